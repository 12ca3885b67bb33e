import { AtollError } from "../../shared/errors.js";

/**
 * Reads fixed-size numbers and byte ranges from a received payload. Numbers are
 * little-endian; ids, terms and indexes travel as doubles, which hold every safe
 * integer exactly. Throws DATA_LOSS when the payload is too short or a number isn't one.
 */
export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) {
      throw new AtollError(
        "DATA_LOSS",
        `a peer's frame ends at byte ${this.#bytes.length}; ${length} bytes at ${at} are missing`,
      );
    }
    this.#at = at + length;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** A safe integer that is not negative. */
  safe(): number {
    const value = this.#bytes.readDoubleLE(this.#take(8));
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new AtollError(
        "DATA_LOSS",
        `a peer's frame holds ${value} where an id or index stands`,
      );
    }
    return value;
  }

  /** Any double that is a number. */
  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** The next `length` bytes, as a plain view of the frame's memory. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.remaining > 0) {
      throw new AtollError("DATA_LOSS", `a peer's frame has ${this.remaining} bytes too many`);
    }
  }
}
