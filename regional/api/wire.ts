/**
 * The few pieces of the protobuf wire format that hand-made answers need. Numbers are safe
 * integers of at least 0; int64 values that may be anything are bigints.
 */

const TWO_TO_28 = 2 ** 28;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Bytes of a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Writes a varint; gives the position after it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest >= TWO_TO_28) {
    into[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    into[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  into[position++] = rest;
  return position;
}

/** Bytes of an int64 as a varint; a negative one takes ten. */
export function int64Size(value: bigint): number {
  if (value < 0n) return 10;
  if (value <= MAX_SAFE) return varintSize(Number(value));
  let size = 8;
  for (let rest = value >> 56n; rest > 0n; rest >>= 7n) size += 1;
  return size;
}

/** Writes an int64 as a varint; gives the position after it. */
export function writeInt64(into: Uint8Array, at: number, value: bigint): number {
  if (value >= 0n && value <= MAX_SAFE) {
    return writeVarint(into, at, Number(value));
  }
  let position = at;
  let rest = BigInt.asUintN(64, value);
  while (rest >= 128n) {
    into[position++] = Number(rest & 127n) | 128;
    rest >>= 7n;
  }
  into[position++] = Number(rest);
  return position;
}

/** Bytes of a field of one tag byte whose value is a varint; nothing for 0, as in proto3. */
export function numberFieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

/** Writes such a field. */
export function writeNumberField(into: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  into[at] = tag;
  return writeVarint(into, at + 1, value);
}

/** Bytes of a field of one tag byte with a length before its `length` bytes. */
export function bytesFieldSize(length: number): number {
  return 1 + varintSize(length) + length;
}

/** Writes tag and length of such a field. */
export function writeBytesHead(into: Uint8Array, at: number, tag: number, length: number): number {
  into[at] = tag;
  return writeVarint(into, at + 1, length);
}

/** Memory for an answer of that size. It is filled completely before it is sent. */
export function allocate(size: number): Buffer {
  return Buffer.allocUnsafe(size);
}
