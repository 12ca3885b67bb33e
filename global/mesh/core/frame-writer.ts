import { create, toBinary } from "@bufbuild/protobuf";
import { AttestationSchema } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Attestation } from "../../digest/attestation.js";
import { encodeAttestation } from "../../digest/wire-trust.js";
import type { Standing } from "./standing.js";
import { encodeStanding } from "./wire-standing.js";

/** Tags of length-delimited fields on the wire. */
const CHUNKS_TAG = (SyncResponseSchema.field.chunks.number << 3) | 2;
const ATTESTATIONS_TAG = (SyncResponseSchema.field.attestations.number << 3) | 2;

/** A tag and a length. */
const MAX_PREFIX_BYTES = 6;
/** A standing but for its path, and a region in that, at most. */
const STANDING_BYTES = 256;
const HOP_BYTES = 66;

const encodedWords = new WeakMap<Attestation, Uint8Array>();

/**
 * Builds one frame out of parts that are encoded already: a message's bytes are those
 * of its fields in a row, so a chunk for a hundred receivers is encoded once.
 */
export class FrameWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #standings: Standing[] = [];
  readonly #words = new Set<Attestation>();
  #echoStampMs: number | undefined;
  #size = 0;
  #wordBytes = 0;
  #standingBytes = 0;

  /** Bytes so far, standings by their largest size; an echo is very small. */
  get size(): number {
    return this.#size + this.#wordBytes + this.#standingBytes;
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.#echoStampMs === undefined;
  }

  /** Adds an encoded SectionChunk. */
  chunk(encoded: Uint8Array): void {
    this.#add(lengthPrefix(CHUNKS_TAG, encoded.length));
    this.#add(encoded);
  }

  /** Adds the origin's word for what chunks lead to; once, however many of them it is for. */
  attestation(word: Attestation): void {
    if (this.#words.has(word)) return;
    this.#words.add(word);
    this.#wordBytes += encodedWord(word).length + MAX_PREFIX_BYTES;
  }

  /** Adds the fields of an encoded SyncResponse. */
  encoded(message: Uint8Array): void {
    this.#add(message);
  }

  standing(standing: Standing): void {
    this.#standings.push(standing);
    this.#standingBytes += STANDING_BYTES + standing.path.length * HOP_BYTES;
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
    for (const word of this.#words) {
      const encoded = encodedWord(word);
      this.#add(lengthPrefix(ATTESTATIONS_TAG, encoded.length));
      this.#add(encoded);
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

/** The same attestation is encoded once, however many peers it goes to. */
function encodedWord(word: Attestation): Uint8Array {
  let encoded = encodedWords.get(word);
  if (encoded === undefined) {
    encoded = toBinary(AttestationSchema, encodeAttestation(word));
    encodedWords.set(word, encoded);
  }
  return encoded;
}

/** The tag and the length as a varint that stand before a message. */
function lengthPrefix(tag: number, length: number): Uint8Array {
  const bytes = [tag];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
