import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkRow,
  cutRow,
  decodeEntries,
  encodeRow,
  hardStateRow,
  readHeader,
  sealRow,
} from "../../../regional/log/row.js";
import { type Entry, EntryType } from "../../../regional/raft/types.js";

const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const rows = fc
  .record({
    first: fc.integer({ min: 1, max: 2 ** 52 }),
    entries: fc.array(
      fc.record({
        term: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        type: fc.constantFrom(...Object.values(EntryType)),
        data: fc.uint8Array({ maxLength: 40 }),
      }),
      { maxLength: 8 },
    ),
    sequence: safe,
    hardState: fc.record({ term: safe, vote: safe, commit: safe }),
  })
  .map(({ first, entries, ...rest }) => ({
    ...rest,
    first: entries.length === 0 ? 0 : first,
    entries: entries.map(
      ({ term, type, data }, i): Entry => ({
        term,
        index: first + i,
        type,
        data,
      }),
    ),
  }));

function plain(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) }));
}

function decode(row: Buffer, after: number): Entry[] {
  const entries: Entry[] = [];
  decodeEntries(row, after, entries);
  return plain(entries);
}

describe("rows of the log", () => {
  it("give back what was put in", () => {
    fc.assert(
      fc.property(rows, ({ entries, sequence, hardState, first }) => {
        const row = encodeRow(entries, sequence, hardState);
        sealRow(row);
        expect(checkRow(row, first)).toBeNull();
        expect(readHeader(row)).toEqual({ count: entries.length, first, sequence, hardState });
        expect(decode(row, 0)).toEqual(plain(entries));
        const middle = first + Math.floor(entries.length / 2);
        expect(decode(row, middle)).toEqual(plain(entries.filter((e) => e.index > middle)));
      }),
    );
  });

  it("betray any flipped bit, a lost tail, and another place", () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat(7), ({ entries, sequence, hardState, first }, at, bit) => {
        const row = encodeRow(entries, sequence, hardState);
        sealRow(row);
        expect(checkRow(row, first + 1)).toContain(`was written as entry ${first}`);
        expect(checkRow(row.subarray(0, at % row.length), first)).not.toBeNull();
        row[at % row.length] = (row[at % row.length] as number) ^ (1 << bit);
        expect(checkRow(row, first)).not.toBeNull();
      }),
    );
  });

  it("can be cut at an entry and stripped to the hard state", () => {
    fc.assert(
      fc.property(rows, fc.nat(8), ({ entries, sequence, hardState, first }, keep) => {
        const row = encodeRow(entries, sequence, hardState);
        sealRow(row);
        const kept = entries.slice(0, keep);
        const cut = cutRow(row, first + kept.length);
        expect(checkRow(cut, first)).toBeNull();
        expect(decode(cut, 0)).toEqual(plain(kept));
        const bare = hardStateRow(row);
        expect(checkRow(bare, 0)).toBeNull();
        expect(readHeader(bare)).toEqual({ count: 0, first: 0, sequence, hardState });
      }),
    );
  });
});
