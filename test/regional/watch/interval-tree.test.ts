import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Interval, IntervalTree } from "../../../regional/watch/interval-tree.js";

const key = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "\xff") });

test("a key's ranges are found, whatever was added and removed before", () => {
  const step = fc.record({ from: key, end: fc.oneof(key, fc.constant("\0")), add: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(key), (steps, keys) => {
      const tree = new IntervalTree<string>();
      const there = new Map<string, Interval<string>>();
      for (const { from, end, add } of steps) {
        const name = `${from},${end}`;
        const interval = there.get(name);
        if (add && interval === undefined) there.set(name, tree.add(from, end, name));
        if (!add && interval !== undefined) {
          tree.remove(interval);
          there.delete(name);
        }
      }
      for (const at of keys) {
        const found: string[] = [];
        tree.search(at, (name) => found.push(name));
        const expected = [...there.values()]
          .filter(({ from, end }) => from <= at && (end === "\0" || at < end))
          .map(({ value }) => value);
        expect(found.sort()).toEqual(expected.sort());
      }
    }),
    { numRuns: 500 },
  );
});

test("ten thousand ranges that come in order are searched without deep recursion", () => {
  const tree = new IntervalTree<number>();
  const name = (i: number): string => String(i).padStart(6, "0");
  const added = Array.from({ length: 10_000 }, (_, i) => tree.add(name(i), name(i + 1), i));
  const found: number[] = [];
  for (let i = 0; i < 10_000; i += 997) tree.search(name(i), (value) => found.push(value));
  expect(found).toEqual(Array.from({ length: 11 }, (_, i) => i * 997));
  for (const interval of added) tree.remove(interval);
  tree.search(name(5), () => expect.unreachable());
});
