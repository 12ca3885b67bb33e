import { crc32 } from "node:zlib";
import { AtollError } from "../../shared/errors.js";
import { MAX_PEER_FRAME_BYTES } from "../../shared/limits.js";

/**
 * Everything between members travels in frames: length of the payload (u32), CRC-32 of
 * type and payload (u32), type (u8), payload. Numbers are little-endian.
 */
export const FrameType = {
  hello: 1,
  welcome: 2,
  refusal: 3,
  ping: 4,
  pong: 5,
  raft: 6,
  proposals: 7,
  proposalsRefused: 8,
  leaseCalls: 9,
  leaseAnswers: 10,
  snapshotHeader: 11,
  snapshotChunk: 12,
  snapshotEnd: 13,
  snapshotResult: 14,
  snapshotOffset: 15,
  removed: 16,
  description: 17,
  audit: 20,
  diskReport: 21,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Bytes before the payload. */
export const FRAME_HEAD_BYTES = 9;

/** Where a frame of several items is closed and another begun; one item may be longer. */
export const FRAME_TARGET_BYTES = MAX_PEER_FRAME_BYTES / 4;

/** A buffer for a frame; its payload is to be written from FRAME_HEAD_BYTES on. */
export function allocateFrame(payloadBytes: number): Buffer {
  return Buffer.allocUnsafe(FRAME_HEAD_BYTES + payloadBytes);
}

/** Writes the head of a frame whose payload is in place. */
export function sealFrame(frame: Buffer, type: FrameType): Buffer {
  frame.writeUInt32LE(frame.length - FRAME_HEAD_BYTES, 0);
  frame[8] = type;
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
  return frame;
}

/** A frame around a payload (copied). */
export function makeFrame(type: FrameType, payload: Uint8Array): Buffer {
  const frame = allocateFrame(payload.length);
  frame.set(payload, FRAME_HEAD_BYTES);
  return sealFrame(frame, type);
}

/** Told of each whole frame; the payload is a view that nobody else writes to. */
export type FrameHandler = (type: number, payload: Buffer) => void;

/**
 * Cuts a byte stream into frames. A frame that lies in one chunk is not copied; one
 * that spans chunks is copied once.
 */
export class FrameReader {
  readonly #maxPayloadBytes: number;
  readonly #onFrame: FrameHandler;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #headFill = 0;
  /** The frame being filled, head included, when it spans chunks. */
  #partial: Buffer | undefined;
  #partialFill = 0;

  constructor(onFrame: FrameHandler, maxPayloadBytes: number = MAX_PEER_FRAME_BYTES) {
    this.#onFrame = onFrame;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /**
   * Takes the next chunk, which is kept by reference.
   * Throws DATA_LOSS when the stream isn't frames; the connection is of no use then.
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#partial !== undefined) {
        at += this.#fillPartial(chunk, at);
      } else if (this.#headFill > 0 || chunk.length - at < FRAME_HEAD_BYTES) {
        at += this.#fillHead(chunk, at);
      } else {
        const size = FRAME_HEAD_BYTES + this.#payloadBytes(chunk, at);
        if (chunk.length - at < size) {
          this.#begin(size, chunk.subarray(at));
          return;
        }
        this.#emit(chunk.subarray(at, at + size));
        at += size;
      }
    }
  }

  #fillHead(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#head, this.#headFill, at);
    this.#headFill += taken;
    if (this.#headFill === FRAME_HEAD_BYTES) {
      this.#headFill = 0;
      const size = FRAME_HEAD_BYTES + this.#payloadBytes(this.#head, 0);
      this.#begin(size, this.#head);
      if (size === FRAME_HEAD_BYTES) this.#finish();
    }
    return taken;
  }

  #begin(size: number, first: Buffer): void {
    this.#partial = Buffer.allocUnsafeSlow(size);
    this.#partialFill = first.copy(this.#partial);
  }

  #fillPartial(chunk: Buffer, at: number): number {
    const partial = this.#partial as Buffer;
    const taken = chunk.copy(partial, this.#partialFill, at);
    this.#partialFill += taken;
    if (this.#partialFill === partial.length) this.#finish();
    return taken;
  }

  #finish(): void {
    const frame = this.#partial as Buffer;
    this.#partial = undefined;
    this.#emit(frame);
  }

  #payloadBytes(source: Buffer, at: number): number {
    const length = source.readUInt32LE(at);
    if (length > this.#maxPayloadBytes) {
      throw new AtollError(
        "DATA_LOSS",
        `a peer announced a frame of ${length} bytes; at most ${this.#maxPayloadBytes} are taken`,
      );
    }
    return length;
  }

  #emit(frame: Buffer): void {
    if (crc32(frame.subarray(8)) !== frame.readUInt32LE(4)) {
      throw new AtollError("DATA_LOSS", "a peer's frame doesn't match its checksum");
    }
    this.#onFrame(frame[8] as number, frame.subarray(FRAME_HEAD_BYTES));
  }
}
