import { formatHostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { JOIN_RETRY_MS, JOIN_TIMEOUT_MS } from "../../shared/limits.js";
import { inquire } from "../peer/inquiry.js";
import { peerUrl } from "../peer/peer-url.js";
import { type ClusterDescription, decodeDescription } from "./description.js";
import type { ClusterIdentity, NamedPeer } from "./identity.js";

/** What a member that joins knows of itself and the others. */
export interface JoinOptions {
  readonly region: string;
  readonly name: string;
  /** Everybody whom `--initial-cluster` names, this member included. */
  readonly members: readonly NamedPeer[];
}

function cannot(reason: string): AtollError {
  return new AtollError("FAILED_PRECONDITION", `can't join the cluster: ${reason}`);
}

/** The first answer of a member that can describe its cluster. */
async function describeCluster(
  others: readonly NamedPeer[],
  timeoutMs: number,
): Promise<ClusterDescription> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const failures: string[] = [];
    for (const { peer } of others) {
      try {
        return decodeDescription(await inquire(peer, timeoutMs));
      } catch (error) {
        failures.push(errorText(error));
      }
    }
    if (performance.now() > endMs) {
      throw new AtollError(
        "UNAVAILABLE",
        `no member describes the cluster: ${failures.join("; ")}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, JOIN_RETRY_MS));
  }
}

/** Throws unless settings and cluster name the same addresses (etcd `ValidateClusterAndAssignIDs`). */
function checkMembers(options: JoinOptions, { members }: ClusterDescription): void {
  const named = new Map(options.members.map(({ name, peer }) => [peerUrl(peer), name]));
  for (const { id, name, peerUrls } of members) {
    if (peerUrls.some((url) => named.delete(url))) continue;
    const who = name === "" ? "has a member" : `has the member ${name}`;
    const text = `it ${who} (${id.toString(16)}) at ${peerUrls.join(",")}`;
    throw cannot(`${text}, which --initial-cluster doesn't name`);
  }
  const [stranger] = named;
  if (stranger === undefined) return;
  const [url, name] = stranger;
  const command = `etcdctl member add ${name} --peer-urls=${url}`;
  throw cannot(
    name === options.name
      ? `it has no member at ${url}; add this one first: ${command}`
      : `it has no member at ${url}, which --initial-cluster names as ${name}`,
  );
}

/** This member's place in a cluster that was described. Throws FAILED_PRECONDITION saying what is wrong. */
export function placeIn(options: JoinOptions, cluster: ClusterDescription): ClusterIdentity {
  const { region, name } = options;
  if (cluster.region !== region) {
    throw cannot(`it is of region "${cluster.region}", this member of "${region}"`);
  }
  checkMembers(options, cluster);
  const own = options.members.find((member) => member.name === name) as NamedPeer;
  const self = cluster.members.find(({ peerUrls }) => peerUrls.includes(peerUrl(own.peer)));
  if (self === undefined) throw cannot(`it has no member at ${formatHostPort(own.peer)}`);
  if (self.name !== "") {
    // It may have voted. With that forgotten, it could vote twice.
    throw cannot(
      `its member ${self.id.toString(16)} at ${peerUrl(own.peer)} has started before, as ` +
        `"${self.name}", with other data; remove it and add it anew`,
    );
  }
  const { clusterId, origin } = cluster;
  return { region, clusterId, self: { id: self.id, name }, origin };
}

/**
 * Asks the members of an existing cluster who this member is, to which it was added before.
 * Rejects with UNAVAILABLE when none of them answers for a while, FAILED_PRECONDITION when
 * what the settings say isn't so.
 */
export async function joinCluster(
  options: JoinOptions,
  timeoutMs: number = JOIN_TIMEOUT_MS,
): Promise<ClusterIdentity> {
  const others = options.members.filter(({ name }) => name !== options.name);
  return placeIn(options, await describeCluster(others, timeoutMs));
}
