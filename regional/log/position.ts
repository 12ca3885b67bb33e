import { crc32 } from "node:zlib";
import { AtollError, errorText } from "../../shared/errors.js";
import type { SnapshotMetadata } from "../raft/types.js";

/** A position and membership as bytes: CRC-32 (little-endian), then JSON. */
export function encodePosition({ index, term, confState }: SnapshotMetadata): Buffer {
  const json = Buffer.from(JSON.stringify({ index, term, confState }), "utf8");
  const bytes = Buffer.allocUnsafe(4 + json.length);
  bytes.writeUInt32LE(crc32(json), 0);
  json.copy(bytes, 4);
  return bytes;
}

/** Reads a position back. Throws DATA_LOSS; `where` names the file and the part. */
export function decodePosition(bytes: Buffer, where: string): SnapshotMetadata {
  const json = bytes.subarray(4);
  if (bytes.length < 4 || crc32(json) !== bytes.readUInt32LE(0)) {
    throw new AtollError("DATA_LOSS", `${where} is corrupt: its checksum is wrong`);
  }
  try {
    return JSON.parse(json.toString("utf8")) as SnapshotMetadata;
  } catch (error) {
    throw new AtollError("DATA_LOSS", `${where} is corrupt: ${errorText(error)}`, { cause: error });
  }
}
