/** Varints of the protobuf wire format for safe integers of at least 0, without bigints. */

/**
 * How commands are decoded. The limit on nesting makes every member refuse the same ones,
 * whatever stack it has left; it is protobuf-es's own default, which API decodes with.
 */
export const DECODE_OPTIONS = { readUnknownFields: false, recursionLimit: 100 } as const;

/** Bytes that the varint of `value` takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let size = 5;
  for (let rest = Math.floor(value / 0x8_0000_0000); rest > 0; rest = Math.floor(rest / 128)) {
    size++;
  }
  return size;
}

/** Writes the varint of `value`; returns the position after it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest > 0x7fff_ffff) {
    into[position++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    into[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[position++] = rest;
  return position;
}

/** The varint of an int64: ten bytes when it is negative, as protobuf wants. */
export function int64Varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** The int64 of a varint that takes all of the bytes; undefined when they are no such. */
export function readInt64(bytes: Uint8Array): bigint | undefined {
  if (bytes.length === 0 || bytes.length > 10 || skipVarint(bytes, 0) !== bytes.length) {
    return undefined;
  }
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) {
    value = (value << 7n) | BigInt((bytes[i] as number) & 0x7f);
  }
  return BigInt.asIntN(64, value);
}

/**
 * Reads the varint at `at`, which must lie within `end`. Returns its value, or -1 when it
 * is longer than the bytes, longer than ten bytes, or not a safe integer.
 */
export function readVarint(from: Uint8Array, at: number, end: number): number {
  let value = 0;
  let factor = 1;
  for (let position = at; position < end && position < at + 10; position++) {
    const byte = from[position] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return Number.isSafeInteger(value) ? value : -1;
    factor *= 128;
  }
  return -1;
}

/** Position after the varint at `at`. */
export function skipVarint(from: Uint8Array, at: number): number {
  let position = at;
  while (((from[position] ?? 0) & 0x80) !== 0) position++;
  return position + 1;
}
