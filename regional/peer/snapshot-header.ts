import { z } from "zod";
import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { decodeManifest, encodeManifest, type SnapshotManifest } from "../backend/manifest.js";
import { Cursor } from "./cursor.js";

const headerSchema = z.strictObject({
  term: z.number().int().nonnegative(),
  manifest: z.string(),
});

/** What a member that wants to send a snapshot says first. */
export interface SnapshotHeader {
  /** The sending leader's term. */
  readonly term: number;
  readonly manifest: SnapshotManifest;
}

/** A header as a frame's payload: JSON, since it is rare and grows. */
export function encodeSnapshotHeader({ term, manifest }: SnapshotHeader): Uint8Array {
  return utf8(JSON.stringify({ term, manifest: encodeManifest(manifest) }));
}

/** Throws DATA_LOSS naming what is wrong. */
export function decodeSnapshotHeader(payload: Uint8Array): SnapshotHeader {
  const where = "a peer's snapshot header";
  try {
    const { term, manifest } = headerSchema.parse(JSON.parse(fromUtf8(payload)));
    return { term, manifest: decodeManifest(manifest, "its manifest") };
  } catch (error) {
    throw new AtollError("DATA_LOSS", `${where} is wrong: ${errorText(error)}`, { cause: error });
  }
}

/** The answer to a header: how many bytes are there already. */
export function encodeSnapshotOffset(bytes: number): Uint8Array {
  const payload = Buffer.alloc(8);
  payload.writeDoubleLE(bytes);
  return payload;
}

/** Throws DATA_LOSS unless it is the end of a chunk, or 0. */
export function decodeSnapshotOffset(payload: Buffer, manifest: SnapshotManifest): number {
  const cursor = new Cursor(payload);
  const offset = cursor.safe();
  cursor.end();
  const { sizeBytes, chunkBytes } = manifest;
  if (offset !== sizeBytes && (offset > sizeBytes || offset % chunkBytes !== 0)) {
    throw new AtollError("DATA_LOSS", `a peer wants a snapshot from byte ${offset} on`);
  }
  return offset;
}
