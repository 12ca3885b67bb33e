import { AtollError } from "../../shared/errors.js";
import { type ClusterIdentity, foundCluster, type NamedPeer } from "./identity.js";
import { joinCluster } from "./join.js";
import { readMemberFile } from "./member-file.js";

/** What a member is told of itself when it is started. */
export interface IdentifyOptions {
  readonly region: string;
  readonly name: string;
  readonly dataDir: string;
  /** The members of a new cluster, or all of an existing one to which this one was added. */
  readonly initialCluster: {
    readonly state: "new" | "existing";
    readonly members: readonly NamedPeer[];
  };
}

function checkOwn(options: IdentifyOptions, known: ClusterIdentity): void {
  const said = { region: known.region, name: known.self.name };
  for (const field of ["region", "name"] as const) {
    if (said[field] === options[field]) continue;
    throw new AtollError(
      "FAILED_PRECONDITION",
      `the data directory ${options.dataDir} is of ${field} "${said[field]}", but --${field} is ` +
        `"${options[field]}": it is another member's`,
    );
  }
}

/**
 * Who this member is: as its data directory says, whatever the settings name as first members;
 * without data, one of a new cluster's first members, or one that joins a cluster which is
 * there. Rejects with FAILED_PRECONDITION when directory, settings and cluster contradict each
 * other.
 */
export async function identify(options: IdentifyOptions): Promise<ClusterIdentity> {
  const { region, name, dataDir, initialCluster } = options;
  const known = readMemberFile(dataDir);
  if (known !== undefined) {
    checkOwn(options, known);
    return known;
  }
  const { state, members } = initialCluster;
  if (state === "new") return foundCluster(region, name, members);
  return joinCluster({ region, name, members });
}
