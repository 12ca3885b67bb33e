const ENCODER = new TextEncoder();
const INITIAL_BYTES = 1024;
/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** Builds the canonical bytes that hashes are taken over. Used again and again. */
export class ByteWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Begins anew. */
  reset(): void {
    this.#length = 0;
  }

  /** What was written since `reset`; valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  int64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.#length, value);
    this.#length += 8;
  }

  /** A natural number up to 2^53 - 1: 7 bits a byte, least first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Bytes, without their number. */
  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** UTF-8 behind its length in bytes. */
  text(value: string): void {
    this.#reserve(4 + value.length * MAX_BYTES_PER_UNIT);
    const { written } = ENCODER.encodeInto(value, this.#bytes.subarray(this.#length + 4));
    this.#view.setUint32(this.#length, written);
    this.#length += 4 + written;
  }

  /** A binary string, one byte a unit, without its length. */
  binary(value: string): void {
    const { length } = value;
    this.#reserve(length);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < length; i++) bytes[start + i] = value.charCodeAt(i);
    this.#length = start + length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.written());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
