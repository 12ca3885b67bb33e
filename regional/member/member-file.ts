import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { AtollError, errorText } from "../../shared/errors.js";
import { replaceFile } from "../log/durable-files.js";
import type { ClusterIdentity } from "./identity.js";

const FORMAT = 1;

const id = z.string().regex(/^[0-9a-f]{1,13}$/, "is not an id: 1 to 13 hexadecimal digits");
const schema = z.object({
  format: z.literal(FORMAT),
  region: z.string(),
  cluster: id,
  name: z.string(),
  member: id,
  origin: z.array(z.object({ id, name: z.string(), peerUrl: z.string() })).min(1),
});

function pathIn(dataDir: string): string {
  return join(dataDir, "MEMBER");
}

const toHex = (value: number): string => value.toString(16);
const fromHex = (text: string): number => Number.parseInt(text, 16);

/**
 * Writes a member's identity into its data directory, as JSON. From then on it is what the
 * member starts with, whatever the settings name as first members.
 */
export function writeMemberFile(dataDir: string, identity: ClusterIdentity): void {
  const { region, clusterId, self, origin } = identity;
  const content = {
    format: FORMAT,
    region,
    cluster: toHex(clusterId),
    name: self.name,
    member: toHex(self.id),
    origin: origin.map((first) => ({ ...first, id: toHex(first.id) })),
  };
  replaceFile(pathIn(dataDir), Buffer.from(`${JSON.stringify(content, null, 2)}\n`));
}

/** Reads it; undefined when there is none. Throws DATA_LOSS naming file and field. */
export function readMemberFile(dataDir: string): ClusterIdentity | undefined {
  const file = pathIn(dataDir);
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new AtollError("DATA_LOSS", `${file} can't be read as JSON: ${errorText(error)}`, {
      cause: error,
    });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.map(String).join(".") || "the content";
    throw new AtollError("DATA_LOSS", `${file}: ${field}: ${issue?.message}`);
  }
  const { region, cluster, name, member, origin } = parsed.data;
  return {
    region,
    clusterId: fromHex(cluster),
    self: { id: fromHex(member), name },
    origin: origin.map((first) => ({ ...first, id: fromHex(first.id) })),
  };
}

/** Why a member that was removed doesn't start, and what is to be done. */
export function removedError({ self }: ClusterIdentity): AtollError {
  return new AtollError(
    "FAILED_PRECONDITION",
    `member ${toHex(self.id)}, "${self.name}", was removed from its cluster; to take part again ` +
      "it is to be added as a new member and started with an empty data directory",
  );
}
