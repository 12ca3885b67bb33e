import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell, GroupKey } from "../../../global/digest/cell.js";
import { Content } from "../../../global/digest/content.js";
import { type LeafChange, makeLeaf, pathOf } from "../../../global/digest/leaf.js";
import { sha256 } from "../../../shared/hash.js";
import { cells, contentOf, groupKey } from "./model.js";

function change(key: GroupKey, own: readonly Cell[] | undefined): LeafChange {
  const path = pathOf(key, sha256);
  return { key, path, leaf: own && makeLeaf(key, path, own, sha256) };
}

/** Batches of changes over up to 60 groups: enough for branches, buckets and collapses. */
const batches = fc.array(
  fc.uniqueArray(
    fc.tuple(fc.integer({ min: 0, max: 59 }), fc.option(fc.integer({ min: 0, max: 3 }))),
    { selector: ([group]) => group, maxLength: 40 },
  ),
  { maxLength: 8 },
);

function play(steps: readonly (readonly [number, number | null][])[]): {
  contents: Content[];
  groups: Map<GroupKey, readonly Cell[]>[];
} {
  const contents = [Content.empty(sha256)];
  const groups = [new Map<GroupKey, readonly Cell[]>()];
  for (const step of steps) {
    const next = new Map(groups.at(-1));
    const leaves: LeafChange[] = [];
    for (const [group, n] of step) {
      const key = groupKey(group);
      if (n === null) next.delete(key);
      else next.set(key, cells(n));
      leaves.push(change(key, n === null ? undefined : cells(n)));
    }
    groups.push(next);
    contents.push((contents.at(-1) as Content).with(leaves));
  }
  return { contents, groups };
}

function toMap(content: Content): Map<GroupKey, readonly Cell[]> {
  return new Map([...content.leaves()].map((leaf) => [leaf.key, leaf.cells]));
}

describe("content", () => {
  test("has a root that is a function of its groups, whatever the path to them", () => {
    fc.assert(
      fc.property(batches, (steps) => {
        const { contents, groups } = play(steps);
        contents.forEach((content, index) => {
          const direct = contentOf(groups[index] as Map<GroupKey, readonly Cell[]>);
          expect(content.root).toBe(direct.root);
          expect(content.size).toBe(groups[index]?.size);
        });
      }),
    );
  });

  test("holds exactly the groups that were put, and earlier contents stay as they were", () => {
    fc.assert(
      fc.property(batches, (steps) => {
        const { contents, groups } = play(steps);
        contents.forEach((content, index) => {
          const expected = groups[index] as Map<GroupKey, readonly Cell[]>;
          expect(toMap(content)).toEqual(expected);
          for (const [key, own] of expected) expect(content.get(key)?.cells).toEqual(own);
          expect(content.get(groupKey("absent"))).toBeUndefined();
        });
      }),
    );
  });

  test("tells the difference of any two contents", () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.nat(), (steps, i, j) => {
        const { contents } = play(steps);
        const before = contents[i % contents.length] as Content;
        const now = contents[j % contents.length] as Content;
        const { changed, removed } = now.since(before);
        const result = toMap(before);
        for (const { key } of removed) expect(result.delete(key)).toBe(true);
        for (const leaf of changed) {
          expect(result.get(leaf.key)).not.toEqual(leaf.cells);
          result.set(leaf.key, leaf.cells);
        }
        expect(result).toEqual(toMap(now));
      }),
    );
  });

  test("has different roots for any two different contents", () => {
    const seen = new Map<string, string>();
    for (let group = 0; group < 50; group++) {
      for (let n = 0; n < 20; n++) {
        const { root } = contentOf(new Map([[groupKey(group), cells(n)]]));
        expect(seen.get(root)).toBeUndefined();
        seen.set(root, `${group}/${n}`);
      }
    }
    expect(contentOf(new Map()).root).toBe("\0".repeat(32));
  });

  test("tells an absent extreme from zero, and the kinds from each other", () => {
    const roots = [
      { kind: "min", value: undefined },
      { kind: "min", value: 0 },
      { kind: "max", value: 0 },
      { kind: "count", count: 0 },
      { kind: "sum", scaled: 0n },
    ] as const;
    const distinct = new Set(roots.map((cell) => contentOf(new Map([["[]", [cell]]])).root));
    expect(distinct.size).toBe(roots.length);
  });

  test("keeps many groups with one path in one bucket, in the order of their keys", () => {
    const names = Array.from({ length: 40 }, (_, index) => groupKey(index));
    const put = (order: readonly string[]): Content => {
      let content = Content.empty(sha256);
      for (const key of order) {
        const leaf = makeLeaf(key, 7, cells(1), sha256);
        content = content.with([{ key, path: 7, leaf }]);
      }
      return content;
    };
    const forward = put(names);
    const backward = put([...names].reverse());
    expect(forward.root).toBe(backward.root);
    expect(forward.at(7, groupKey(21))?.cells).toEqual(cells(1));
    expect([...forward.leaves()].map((leaf) => leaf.key)).toEqual([...names].sort());
    const emptied = forward.with(names.slice(3).map((key) => ({ key, path: 7, leaf: undefined })));
    expect(emptied.root).toBe(put(names.slice(0, 3)).root);
  });
});
