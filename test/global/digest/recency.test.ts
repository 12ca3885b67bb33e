import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeLeaf, pathOf } from "../../../global/digest/leaf.js";
import { Recency } from "../../../global/digest/recency.js";
import { sha256 } from "../../../shared/hash.js";
import { MAX_GAPS_PER_SECTION, MAX_TOMBSTONES_PER_SECTION } from "../../../shared/limits.js";
import { cells, groupKey } from "./model.js";

function leaf(name: number, n: number): ReturnType<typeof makeLeaf> {
  const key = groupKey(name);
  return makeLeaf(key, pathOf(key, sha256), cells(n), sha256);
}

describe("recency", () => {
  test("tells exactly the groups that changed after a revision, as they are now", () => {
    const touches = fc.array(fc.tuple(fc.nat(8), fc.option(fc.nat(5))), { maxLength: 40 });
    fc.assert(
      fc.property(touches, fc.nat(45), (played, since) => {
        const recency = new Recency(0, []);
        const expected = new Map<string, { at: number; cells: unknown }>();
        played.forEach(([name, n], index) => {
          const { key, path } = leaf(name, 0);
          const own = n === null ? undefined : leaf(name, n);
          recency.touch({ key, path, leaf: own }, index + 1);
          expected.set(key, { at: index + 1, cells: own?.cells });
        });
        const later = [...expected].filter(([, { at }]) => at > since);
        expect(recency.since(since)).toEqual(new Map(later.map(([key, { cells: c }]) => [key, c])));
      }),
    );
  });

  test("begins with its floor where it begins, and tells nothing as changed since", () => {
    const recency = new Recency(41, [leaf(1, 1), leaf(2, 2)]);
    expect(recency.floor).toBe(41);
    expect(recency.since(41).size).toBe(0);
    expect(recency.pathOf(groupKey(1))).toBe(leaf(1, 1).path);
    expect(recency.leafOf(groupKey(2))?.cells).toEqual(cells(2));
  });

  test("nothing can be told from within gaps, and everything from between as many as are kept", () => {
    const lengths = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 2, max: 4 })),
    );
    fc.assert(
      fc.property(lengths, (spans) => {
        const recency = new Recency(1, []);
        const noted: { after: number; before: number }[] = [];
        let at = 1;
        for (const [pause, length] of spans) {
          noted.push({ after: at + pause, before: at + pause + length });
          at += pause + length;
          recency.noteGap(noted.at(-1) as { after: number; before: number });
        }
        const forgotten = noted.slice(0, Math.max(0, noted.length - MAX_GAPS_PER_SECTION + 1));
        const least = forgotten.at(-1)?.before ?? 0;
        for (let revision = 1; revision <= at; revision++) {
          const isWithin = noted.some((gap) => gap.after < revision && revision < gap.before);
          if (isWithin) expect(recency.canTellFrom(revision)).toBe(false);
          else if (revision >= least) expect(recency.canTellFrom(revision)).toBe(true);
        }
        expect(recency.gaps.length).toBeLessThanOrEqual(MAX_GAPS_PER_SECTION);
        const ends = recency.gaps.flatMap(({ after, before }) => [after, before]);
        expect(ends).toEqual([...ends].sort((a, b) => a - b));
      }),
    );
  });

  test("a gap that overlaps others takes them in, and one that ends at the floor is none", () => {
    const recency = new Recency(10, []);
    for (const [after, before] of [
      [4, 10],
      [12, 15],
      [20, 22],
      [14, 21],
      [30, 33],
    ] as const)
      recency.noteGap({ after, before });
    expect(recency.gaps).toEqual([
      { after: 12, before: 22 },
      { after: 30, before: 33 },
    ]);
    expect(recency.gapFrom(12)).toEqual({ after: 12, before: 33 });
    expect(recency.gapFrom(22)).toEqual({ after: 30, before: 33 });
    expect(recency.gapFrom(31)).toBeUndefined();
  });

  test("bounds the groups that are gone by number, and raises the floor for those it drops", () => {
    const recency = new Recency(1, []);
    const bury = (name: number, at: number): void => {
      const key = groupKey(name);
      recency.touch({ key, path: name, leaf: undefined }, at);
    };
    for (let i = 0; i < MAX_TOMBSTONES_PER_SECTION; i++) bury(i, i + 2);
    expect(recency.floor).toBe(1);
    // Group 0 lives again: its tombstone is not among those that are dropped.
    recency.touch(leaf(0, 1), MAX_TOMBSTONES_PER_SECTION + 10);
    bury(MAX_TOMBSTONES_PER_SECTION, MAX_TOMBSTONES_PER_SECTION + 11);
    expect(recency.floor).toBe(1);
    bury(MAX_TOMBSTONES_PER_SECTION + 1, MAX_TOMBSTONES_PER_SECTION + 12);
    expect(recency.tombstones).toBe(MAX_TOMBSTONES_PER_SECTION);
    expect(recency.floor).toBe(3);
    expect(recency.pathOf(groupKey(1))).toBeUndefined();
    expect(recency.since(3).has(groupKey(2))).toBe(true);
  });
});
