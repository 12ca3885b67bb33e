import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entrySize, MemoryStorage } from "../../../regional/raft/index.js";
import { limitSize } from "../../../regional/raft/size.js";
import { confOf, normal } from "./group.js";

fc.configureGlobal({ seed: 1 });

const ALL = Number.MAX_SAFE_INTEGER;

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.append([normal(1, 1), normal(1, 2), normal(2, 3), normal(2, 4)]);
  return storage;
}

describe("memory storage", () => {
  test("an append replaces everything from its first index on", () => {
    const storage = filled();
    storage.append([normal(3, 3)]);
    expect(storage.lastIndex()).toBe(3);
    expect(storage.term(3)).toBe(3);
    expect(storage.term(4)).toBeUndefined();
  });

  test("an append must not leave a gap", () => {
    expect(() => filled().append([normal(3, 6)])).toThrow(/gap/);
  });

  test("compaction keeps the term at its end and refuses what is before", () => {
    const storage = filled();
    storage.compact(2);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([3, 4]);
    expect([storage.term(1), storage.term(2), storage.term(3)]).toEqual([undefined, 1, 2]);
    expect(storage.entries(2, 5, ALL)).toBeUndefined();
    expect(storage.entries(3, 5, ALL)?.map((entry) => entry.index)).toEqual([3, 4]);
    storage.compact(1);
    expect(storage.firstIndex()).toBe(3);
    expect(() => storage.compact(9)).toThrow(/past 4/);
    storage.append([normal(2, 2), normal(3, 3)]);
    expect([storage.firstIndex(), storage.term(3), storage.lastIndex()]).toEqual([3, 3, 3]);
  });

  test("a snapshot replaces the log, an older one does nothing", () => {
    const storage = filled();
    const metadata = { index: 7, term: 3, confState: confOf([1, 2]) };
    expect(storage.applySnapshot({ data: new Uint8Array(0), metadata })).toBe(true);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(7)]).toEqual([8, 7, 3]);
    expect(storage.initialState().confState.voters).toEqual([1, 2]);
    const older = { ...metadata, index: 6 };
    expect(storage.applySnapshot({ data: new Uint8Array(0), metadata: older })).toBe(false);
  });

  test("a snapshot made of the log leaves the log", () => {
    const storage = filled();
    expect(storage.createSnapshot(3, confOf([1]), new Uint8Array(0)).metadata.term).toBe(2);
    expect(storage.firstIndex()).toBe(1);
    expect(() => storage.createSnapshot(9, confOf([1]), new Uint8Array(0))).toThrow(/at 9/);
  });

  test("entries past the end are a mistake of the caller", () => {
    expect(() => filled().entries(1, 6, ALL)).toThrow(/ends at 4/);
  });
});

describe("sizes", () => {
  test("an entry counts as its protobuf would", () => {
    expect(entrySize(normal(1, 1))).toBe(6);
    expect(entrySize(normal(1, 1, "a"))).toBe(9);
    expect(entrySize(normal(300, 70_000, "x".repeat(200)))).toBe(4 + 2 + 3 + 1 + 2 + 200);
    expect(entrySize(normal(1, 2 ** 49))).toBe(4 + 1 + 8);
  });

  test("a limit keeps the longest prefix that fits, and at least one entry", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 60 })), fc.nat({ max: 200 }), (lengths, limit) => {
        const entries = lengths.map((length, i) => normal(1, i + 1, "x".repeat(length)));
        const kept = limitSize(entries, limit);
        const sum = kept.reduce((total, entry) => total + entrySize(entry), 0);
        expect(kept).toEqual(entries.slice(0, kept.length));
        if (entries.length > 0) expect(kept.length).toBeGreaterThan(0);
        if (kept.length > 1) expect(sum).toBeLessThanOrEqual(limit);
        const next = entries[kept.length];
        if (next !== undefined) expect(sum + entrySize(next)).toBeGreaterThan(limit);
      }),
    );
  });
});
