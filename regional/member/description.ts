import { z } from "zod";
import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import type { MemberInfo } from "../node.js";
import type { ClusterIdentity } from "./identity.js";

const id = z.int().min(1);

const schema = z.object({
  region: z.string(),
  clusterId: id,
  origin: z.array(z.object({ id, name: z.string(), peerUrl: z.string() })).min(1),
  members: z
    .array(
      z.object({ id, name: z.string(), peerUrls: z.array(z.string()), isLearner: z.boolean() }),
    )
    .min(1),
});

/**
 * What a member tells somebody who wants to join: which cluster this is, with which members
 * its log begins, and who belongs to it now.
 */
export type ClusterDescription = z.infer<typeof schema>;

/** As the payload of a frame: JSON. */
export function encodeDescription(
  { region, clusterId, origin }: ClusterIdentity,
  members: readonly MemberInfo[],
): Uint8Array {
  return utf8(JSON.stringify({ region, clusterId, origin, members }));
}

/** The opposite. Throws DATA_LOSS naming the field that is wrong. */
export function decodeDescription(payload: Uint8Array): ClusterDescription {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(payload));
  } catch {
    throw new AtollError("DATA_LOSS", "the description of the cluster is not JSON");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(".") || "it";
  throw new AtollError("DATA_LOSS", `the description of the cluster: ${field}: ${issue?.message}`);
}
