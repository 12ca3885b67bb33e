import { z } from "zod";
import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import type { SnapshotMetadata } from "../raft/index.js";

const id = z.number().int().nonnegative();
const ids = z.array(id);
const headerSchema = z.strictObject({
  term: id,
  sizeBytes: id,
  metadata: z.strictObject({
    index: id,
    term: id,
    confState: z.strictObject({
      voters: ids,
      learners: ids,
      votersOutgoing: ids,
      learnersNext: ids,
      autoLeave: z.boolean(),
    }),
  }),
});

/** What stands before a snapshot's bytes. */
export interface SnapshotHeader {
  /** The sending leader's term. */
  readonly term: number;
  readonly sizeBytes: number;
  readonly metadata: SnapshotMetadata;
}

/** A header as a frame's payload: JSON, since it is rare and grows. */
export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  return utf8(JSON.stringify(header));
}

/** Throws DATA_LOSS naming what is wrong. */
export function decodeSnapshotHeader(payload: Uint8Array): SnapshotHeader {
  try {
    return headerSchema.parse(JSON.parse(fromUtf8(payload)));
  } catch (error) {
    throw new AtollError("DATA_LOSS", `a peer's snapshot header is wrong: ${errorText(error)}`, {
      cause: error,
    });
  }
}
