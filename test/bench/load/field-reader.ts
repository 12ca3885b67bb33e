/**
 * Walks the fields of an encoded protobuf message without making anything of them: a
 * thousand subscribers are to cost less to measure than to serve.
 */
export class FieldReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  /** Of the field that `next` came to. */
  number = 0;
  /** Where the field's value begins and ends: its bytes, or its number. */
  start = 0;
  end = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes on to the next field; false when there is none. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.number = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === 2) {
      const length = this.#varint();
      this.start = this.#at;
      this.#at += length;
    } else {
      this.start = this.#at;
      if (wireType === 0) this.#varint();
      else if (wireType === 1) this.#at += 8;
      else if (wireType === 5) this.#at += 4;
      else throw new Error(`no field can be of wire type ${wireType}`);
    }
    this.end = this.#at;
    return true;
  }

  /** The message that the field holds. */
  message(): FieldReader {
    return new FieldReader(this.#bytes, this.start, this.end);
  }

  /** The double that the field holds. */
  double(): number {
    return this.#bytes.readDoubleLE(this.start);
  }

  /** Whether the field is a bool that is true. */
  isTrue(): boolean {
    return this.#bytes[this.start] === 1;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
