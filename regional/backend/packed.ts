/**
 * Records on their way to the worker and back, many in one piece of memory. Little-endian:
 *
 * | bytes | what |
 * |---|---|
 * | 1 | table |
 * | 1 | 1: the key is a number; 2: there is a value |
 * | 4 + 4 | length of the key (a number counts 8), length of the value |
 * | | key, value |
 *
 * A record's checksum in the database is the CRC-32 of this form, so it covers table and
 * key as well as the value.
 */
import type { BackendRecord, RecordTable } from "../store/records.js";

const HEADER_BYTES = 10;
const NUMBER_BYTES = 8;
const KEY_IS_NUMBER = 1;
const HAS_VALUE = 2;
const WORD = 0x1_0000_0000;

/** Bytes that a record takes. */
export function packedSize({ key, value }: BackendRecord): number {
  const keyBytes = typeof key === "number" ? NUMBER_BYTES : key.length;
  return HEADER_BYTES + keyBytes + (value === null ? 0 : value.length);
}

/** Writes a record at `at` and returns the position after it. */
export function packRecord(record: BackendRecord, into: Buffer, at: number): number {
  const { table, key, value } = record;
  const isNumber = typeof key === "number";
  const keyBytes = isNumber ? NUMBER_BYTES : key.length;
  const start = at + HEADER_BYTES;
  into[at] = table;
  into[at + 1] = (isNumber ? KEY_IS_NUMBER : 0) | (value === null ? 0 : HAS_VALUE);
  into.writeUInt32LE(keyBytes, at + 2);
  into.writeUInt32LE(value === null ? 0 : value.length, at + 6);
  if (isNumber) {
    into.writeUInt32LE(key % WORD, start);
    into.writeUInt32LE(Math.floor(key / WORD), start + 4);
  } else {
    into.set(key, start);
  }
  if (value !== null) into.set(value, start + keyBytes);
  return start + keyBytes + (value === null ? 0 : value.length);
}

/**
 * Calls `each` for all records, with the bounds of their packed form. Keys and values are
 * views of the memory.
 */
export function unpack(
  packed: Buffer,
  each: (record: BackendRecord, from: number, to: number) => void,
): void {
  let at = 0;
  while (at < packed.length) {
    const flags = packed[at + 1] as number;
    const start = at + HEADER_BYTES;
    const middle = start + packed.readUInt32LE(at + 2);
    const end = middle + packed.readUInt32LE(at + 6);
    const key =
      (flags & KEY_IS_NUMBER) === 0
        ? packed.subarray(start, middle)
        : packed.readUInt32LE(start) + packed.readUInt32LE(start + 4) * WORD;
    const value = (flags & HAS_VALUE) === 0 ? null : packed.subarray(middle, end);
    each({ table: packed[at] as RecordTable, key, value }, at, end);
    at = end;
  }
}
