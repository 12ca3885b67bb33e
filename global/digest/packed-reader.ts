import { malformed } from "./wire-check.js";

/** What the last byte after an integer's eighth would count. */
const MAX_UNIT = 0x80 ** 8;

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Reads canonical bytes from their beginning; what isn't canonical is INVALID_ARGUMENT. */
export class PackedReader {
  readonly #packed: string;
  readonly #where: string;
  #at = 0;

  /** `packed` is a binary string; `where` names it in errors. */
  constructor(packed: string, where: string) {
    this.#packed = packed;
    this.#where = where;
  }

  get atEnd(): boolean {
    return this.#at >= this.#packed.length;
  }

  fail(what: string): never {
    malformed(this.#where, what);
  }

  byte(): number {
    if (this.atEnd) this.fail("ends too early");
    return this.#packed.charCodeAt(this.#at++);
  }

  /** A big-endian double. */
  double(): number {
    const bytes = this.text(8);
    for (let i = 0; i < 8; i++) SCRATCH.setUint8(i, bytes.charCodeAt(i));
    return SCRATCH.getFloat64(0);
  }

  /** So many units. */
  text(length: number): string {
    const end = this.#at + length;
    if (end > this.#packed.length) this.fail("ends too early");
    const text = this.#packed.slice(this.#at, end);
    this.#at = end;
    return text;
  }

  /** An integer of 7 bits a byte, least first, in its shortest form, up to 2^53 - 1. */
  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let unit = 0x80;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * unit;
      unit *= 0x80;
      if (value > Number.MAX_SAFE_INTEGER || unit > MAX_UNIT)
        this.fail("has an integer beyond 2^53 - 1");
    } while (byte >= 0x80);
    if (byte === 0) this.fail("has an integer that isn't in its shortest form");
    return value;
  }
}
