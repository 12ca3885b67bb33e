import { create, toBinary } from "@bufbuild/protobuf";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Standing } from "./standing.js";
import { encodeStanding } from "./wire-standing.js";

/** Tag of a length-delimited field on the wire. */
const CHUNKS_TAG = (SyncResponseSchema.field.chunks.number << 3) | 2;

/**
 * Builds one frame out of parts that are encoded already: a message's bytes are those
 * of its fields in a row, so a chunk for a hundred receivers is encoded once.
 */
export class FrameWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #standings: Standing[] = [];
  #echoStampMs: number | undefined;
  #size = 0;

  /** Bytes so far, without standings and echo, which are small and bounded. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.#standings.length === 0 && this.#echoStampMs === undefined;
  }

  /** Adds an encoded SectionChunk. */
  chunk(encoded: Uint8Array): void {
    this.#add(lengthPrefix(encoded.length));
    this.#add(encoded);
  }

  /** Adds the fields of an encoded SyncResponse. */
  encoded(message: Uint8Array): void {
    this.#add(message);
  }

  standing(standing: Standing): void {
    this.#standings.push(standing);
  }

  echo(stampMs: number): void {
    this.#echoStampMs = stampMs;
  }

  /** The frame's bytes. */
  finish(): Uint8Array {
    if (this.#standings.length > 0 || this.#echoStampMs !== undefined) {
      const tail = create(SyncResponseSchema, {
        standings: this.#standings.map(encodeStanding),
        ...(this.#echoStampMs === undefined ? {} : { echo: { stampMs: this.#echoStampMs } }),
      });
      this.#add(toBinary(SyncResponseSchema, tail));
    }
    const frame = new Uint8Array(this.#size);
    let offset = 0;
    for (const part of this.#parts) {
      frame.set(part, offset);
      offset += part.length;
    }
    return frame;
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }
}

/** The tag and the length as a varint that stand before a chunk. */
function lengthPrefix(length: number): Uint8Array {
  const bytes = [CHUNKS_TAG];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
