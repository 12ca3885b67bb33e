import { crc32 } from "node:zlib";
import type { SnapshotManifest } from "../../../regional/backend/manifest.js";
import type { SnapshotMetadata } from "../../../regional/raft/types.js";

/** The manifest of a snapshot that consists of these bytes. */
export function manifestOf(
  bytes: Buffer,
  position: SnapshotMetadata,
  chunkBytes = 5000,
): SnapshotManifest {
  const checksums = chunksOf(bytes, chunkBytes).map((chunk) => crc32(chunk));
  return {
    sizeBytes: bytes.length,
    chunkBytes,
    position,
    checksums: Uint32Array.from(checksums),
  };
}

/** Bytes cut into chunks, the last one shorter. */
export function chunksOf(bytes: Buffer, chunkBytes = 5000): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(bytes.subarray(at, at + chunkBytes));
  }
  return chunks;
}
