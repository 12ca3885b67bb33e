import { type BinaryKey, toBinaryKey } from "../../shared/bytes.js";
import { malformed } from "./wire-check.js";

const DECODER = new TextDecoder();

/** Reads what a ByteWriter wrote. What ends too early is INVALID_ARGUMENT. */
export class ByteReader {
  /** Names the bytes in errors. */
  readonly where: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.where = where;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  fail(what: string): never {
    malformed(this.where, what);
  }

  byte(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  double(): number {
    return this.#view.getFloat64(this.#skip(8));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#skip(8));
  }

  /** A natural number of 7 bits a byte, least first. */
  varint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (value > Number.MAX_SAFE_INTEGER) this.fail("has an integer beyond 2^53 - 1");
      if (byte < 0x80) return value;
    }
  }

  /** So many bytes, a view of the memory. */
  bytes(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** So many bytes as a binary string. */
  binary(length: number): BinaryKey {
    return toBinaryKey(this.bytes(length));
  }

  /** UTF-8 behind its length in bytes. */
  text(): string {
    return DECODER.decode(this.bytes(this.uint32()));
  }

  #skip(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) this.fail("ends too early");
    this.#at = at + count;
    return at;
  }
}
