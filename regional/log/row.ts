/**
 * One row of the log: the entries of one append as one blob, with the hard state that
 * stood when it was written. Little-endian:
 *
 * | offset | bytes | what |
 * |---|---|---|
 * | 0 | 4 | CRC-32 of everything after it |
 * | 4 | 4 | number of entries; 0 in a row that holds a hard state only |
 * | 8 | 8 | index of the first entry; must be the row's id |
 * | 16 | 8 | sequence number of the append: the newest row has the newest hard state |
 * | 24 | 8 + 8 + 8 | hard state: term, vote, commit |
 * | 48 | | for each entry: length of its data (4), term (6), type (1), data |
 *
 * Every other number is a safe integer in 8 bytes. The first index is under the checksum,
 * so a row that turns up in another place is found out too.
 */
import { crc32 } from "node:zlib";
import type { Entry, EntryType, HardState } from "../raft/types.js";

const HEADER_BYTES = 48;
const ENTRY_HEADER_BYTES = 11;
const WORD = 0x1_0000_0000;
const MAX_ENTRY_TYPE = 2;

/** What a row says about itself; its entries are read by decodeEntries. */
export interface RowHeader {
  readonly count: number;
  readonly first: number;
  readonly sequence: number;
  readonly hardState: HardState;
}

function putNumber(row: Buffer, value: number, at: number): void {
  row.writeUInt32LE(value % WORD, at);
  row.writeUInt32LE(Math.floor(value / WORD), at + 4);
}

function getNumber(row: Buffer, at: number): number {
  return row.readUInt32LE(at) + row.readUInt32LE(at + 4) * WORD;
}

/**
 * Encodes a row in memory of its own, so that it can be transferred to a thread. The
 * checksum is left to sealRow, which the thread calls.
 */
export function encodeRow(
  entries: readonly Entry[],
  sequence: number,
  hardState: HardState,
): Buffer {
  let size = HEADER_BYTES;
  for (const entry of entries) size += ENTRY_HEADER_BYTES + entry.data.length;
  const row = Buffer.allocUnsafeSlow(size);
  row.writeUInt32LE(entries.length, 4);
  putNumber(row, entries[0]?.index ?? 0, 8);
  putNumber(row, sequence, 16);
  putNumber(row, hardState.term, 24);
  putNumber(row, hardState.vote, 32);
  putNumber(row, hardState.commit, 40);
  let at = HEADER_BYTES;
  for (const { term, type, data } of entries) {
    row.writeUInt32LE(data.length, at);
    row.writeUIntLE(term, at + 4, 6);
    row[at + 10] = type;
    row.set(data, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + data.length;
  }
  return row;
}

/** Writes the checksum of a row into it. */
export function sealRow(row: Buffer): void {
  row.writeUInt32LE(crc32(row.subarray(4)), 0);
}

/** Reads the head of a row that checkRow has passed, or that this process made. */
export function readHeader(row: Buffer): RowHeader {
  return {
    count: row.readUInt32LE(4),
    first: getNumber(row, 8),
    sequence: getNumber(row, 16),
    hardState: { term: getNumber(row, 24), vote: getNumber(row, 32), commit: getNumber(row, 40) },
  };
}

/** Says what is wrong with a row that should begin at entry `first`; null if nothing is. */
export function checkRow(row: Buffer, first: number): string | null {
  if (row.length < HEADER_BYTES) return `the row has ${row.length} bytes, too few for its header`;
  const stored = row.readUInt32LE(0);
  const computed = crc32(row.subarray(4));
  if (stored !== computed) {
    return `its checksum is ${computed.toString(16)}, the row says ${stored.toString(16)}`;
  }
  const header = readHeader(row);
  if (header.first !== first) return `the row was written as entry ${header.first}`;
  let at = HEADER_BYTES;
  for (let i = 0; i < header.count; i++) {
    if (at + ENTRY_HEADER_BYTES > row.length) return `entry ${first + i} is cut short`;
    if ((row[at + 10] as number) > MAX_ENTRY_TYPE) return `entry ${first + i} is of unknown type`;
    at += ENTRY_HEADER_BYTES + row.readUInt32LE(at);
  }
  return at === row.length ? null : `its entries end at byte ${at} of ${row.length}`;
}

/**
 * Appends the entries of a row that are past `after` to `into`. Their data is a view of
 * the row's memory.
 */
export function decodeEntries(row: Buffer, after: number, into: Entry[]): void {
  const { count, first } = readHeader(row);
  let at = HEADER_BYTES;
  for (let index = first; index < first + count; index++) {
    const start = at + ENTRY_HEADER_BYTES;
    const end = start + row.readUInt32LE(at);
    if (index > after) {
      const term = row.readUIntLE(at + 4, 6);
      into.push({ term, index, type: row[at + 10] as EntryType, data: row.subarray(start, end) });
    }
    at = end;
  }
}

/** A sealed copy of a row without its entries from `end` on. */
export function cutRow(row: Buffer, end: number): Buffer {
  const { first } = readHeader(row);
  let at = HEADER_BYTES;
  for (let index = first; index < end; index++) at += ENTRY_HEADER_BYTES + row.readUInt32LE(at);
  const cut = Buffer.from(row.subarray(0, at));
  cut.writeUInt32LE(end - first, 4);
  sealRow(cut);
  return cut;
}

/** A sealed row without entries that has the hard state of `row`. */
export function hardStateRow(row: Buffer): Buffer {
  const bare = Buffer.from(row.subarray(0, HEADER_BYTES));
  bare.writeUInt32LE(0, 4);
  putNumber(bare, 0, 8);
  sealRow(bare);
  return bare;
}
