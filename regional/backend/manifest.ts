import { z } from "zod";
import { AtollError, errorText } from "../../shared/errors.js";
import { MAX_PEER_FRAME_BYTES } from "../../shared/limits.js";
import type { SnapshotMetadata } from "../raft/types.js";

const count = z.number().int().nonnegative();
const ids = z.array(count);
const manifestSchema = z.strictObject({
  sizeBytes: z.number().int().min(1),
  chunkBytes: z.number().int().min(1).max(MAX_PEER_FRAME_BYTES),
  position: z.strictObject({
    index: count,
    term: count,
    confState: z.strictObject({
      voters: ids,
      learners: ids,
      votersOutgoing: ids,
      learnersNext: ids,
      autoLeave: z.boolean(),
    }),
  }),
  /** CRC-32 of each chunk, little-endian, as base64. */
  checksums: z.base64(),
});

/**
 * What a snapshot's file consists of: chunks of `chunkBytes`, the last one shorter. Two
 * snapshots with equal manifests are the same, which is what makes a transfer resumable:
 * what is on disk is compared with the checksums, whatever happened to it meanwhile.
 */
export interface SnapshotManifest {
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  /** Where the snapshot stands in the log, and the membership there. */
  readonly position: SnapshotMetadata;
  /** CRC-32 of each chunk. */
  readonly checksums: Uint32Array;
}

/** Chunks of a file of so many bytes. */
export function chunkCount(sizeBytes: number, chunkBytes: number): number {
  return Math.ceil(sizeBytes / chunkBytes);
}

/** Bytes of chunk `index`; 0 past the end. */
export function chunkLength(
  { sizeBytes, chunkBytes }: Pick<SnapshotManifest, "sizeBytes" | "chunkBytes">,
  index: number,
): number {
  return Math.max(0, Math.min(chunkBytes, sizeBytes - index * chunkBytes));
}

/** A manifest as JSON text; equal for equal manifests. */
export function encodeManifest(manifest: SnapshotManifest): string {
  const { sizeBytes, chunkBytes, position, checksums } = manifest;
  const { index, term, confState } = position;
  const { voters, learners, votersOutgoing, learnersNext, autoLeave } = confState;
  const bytes = Buffer.alloc(checksums.length * 4);
  checksums.forEach((sum, i) => {
    bytes.writeUInt32LE(sum, i * 4);
  });
  return JSON.stringify({
    sizeBytes,
    chunkBytes,
    position: {
      index,
      term,
      confState: { voters, learners, votersOutgoing, learnersNext, autoLeave },
    },
    checksums: bytes.toString("base64"),
  });
}

/** Reads a manifest. Throws DATA_LOSS; `where` says whose it is. */
export function decodeManifest(text: string, where: string): SnapshotManifest {
  try {
    const { checksums, ...rest } = manifestSchema.parse(JSON.parse(text));
    const bytes = Buffer.from(checksums, "base64");
    const chunks = chunkCount(rest.sizeBytes, rest.chunkBytes);
    if (bytes.length !== chunks * 4) {
      throw new Error(
        `checksums are ${bytes.length} bytes; ${chunks} chunks have ${chunks * 4} bytes of them`,
      );
    }
    const sums = Uint32Array.from({ length: chunks }, (_, i) => bytes.readUInt32LE(i * 4));
    return { ...rest, checksums: sums };
  } catch (error) {
    throw new AtollError("DATA_LOSS", `${where} is wrong: ${errorText(error)}`, { cause: error });
  }
}
