import { AtollError } from "../errors.js";

/** Flag byte and length before each message of a gRPC stream. */
export const FRAME_HEADER_BYTES = 5;

/** A message with its frame header, ready to be written. */
export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

/** Throws for a frame header that can't be served: compressed, or larger than `maxBytes`. */
function checkHeader(isCompressed: boolean, length: number, maxBytes: number): void {
  if (isCompressed) {
    throw new AtollError("UNIMPLEMENTED", "compressed messages are not supported; send identity");
  }
  if (length > maxBytes) {
    throw new AtollError(
      "RESOURCE_EXHAUSTED",
      `received message larger than max (${length} vs. ${maxBytes})`,
    );
  }
}

/**
 * Cuts a stream of bytes into messages. A message that came in one piece is a view of it;
 * one in several pieces is put together once.
 */
export class MessageReader {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #buffered = 0;
  /** Bytes that must be there before it is worth looking. */
  #wanted = FRAME_HEADER_BYTES;

  /** `maxBytes`: largest message that is taken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next piece of the stream. */
  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#buffered += piece.length;
  }

  /** The next whole message, if there is one. Throws RESOURCE_EXHAUSTED or UNIMPLEMENTED. */
  next(): Buffer | undefined {
    if (this.#buffered < this.#wanted) return undefined;
    const first = this.#pieces[0];
    const all = this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces);
    const length = all.readUInt32BE(1);
    checkHeader(all[0] !== 0, length, this.#maxBytes);
    const end = FRAME_HEADER_BYTES + length;
    if (all.length < end) {
      this.#pieces = [all];
      this.#wanted = end;
      return undefined;
    }
    this.#pieces = all.length === end ? [] : [all.subarray(end)];
    this.#buffered = all.length - end;
    this.#wanted = FRAME_HEADER_BYTES;
    return all.subarray(FRAME_HEADER_BYTES, end);
  }

  /** Whether a message has begun that is not whole. */
  get isInside(): boolean {
    return this.#buffered > 0;
  }
}
