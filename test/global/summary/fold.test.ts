import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell } from "../../../global/digest/cell.js";
import { parseDefinition } from "../../../global/summary/definition/parse.js";
import { ExtremeAccumulator } from "../../../global/summary/fold/extreme.js";
import { MemoryBudget } from "../../../global/summary/fold/memory.js";
import { SumAccumulator, scaled } from "../../../global/summary/fold/sum.js";
import { Folding } from "./folding.js";

const DEFINITION = parseDefinition(
  `
name: m
prefix: /m/
where: value.up
groupBy: [value.app, 'parts[0]']
measures:
  n: count()
  cpu: sum(value.cpu)
  least: min(value.cpu)
  most: max(value.cpu)
  disk: sum(value.disk, scale=0)
`,
  "test",
);

function cells(n: number, cpu: bigint, least: number, most: number, disk: bigint): Cell[] {
  return [
    { kind: "count", count: n },
    { kind: "sum", scaled: cpu },
    { kind: "min", value: least },
    { kind: "max", value: most },
    { kind: "sum", scaled: disk },
  ];
}

const machine = (cpu: number, disk = 0, app = "api") => ({ up: true, app, cpu, disk });

describe("a fold", () => {
  test("counts, sums and finds extremes by group", () => {
    const folding = new Folding(DEFINITION);
    folding
      .put("/m/a/1", machine(1.5, 7))
      .put("/m/a/2", machine(-0.25, 1))
      .put("/m/b/1", machine(2));
    expect(folding.groups()).toEqual([
      ['["api","a"]', cells(2, 1250n, -0.25, 1.5, 8n)],
      ['["api","b"]', cells(1, 2000n, 2, 2, 0n)],
    ]);
    expect(folding.fold.rowCount).toBe(3);
  });

  test("takes back what a record did when it changes, no longer matches, or goes", () => {
    const folding = new Folding(DEFINITION);
    folding.put("/m/a/1", machine(1.5, 7)).put("/m/a/2", machine(9, 1)).put("/m/a/3", machine(4));
    folding.fold.takeChanges();
    folding.put("/m/a/2", machine(3, 1, "web")).put("/m/a/3", { ...machine(4), up: false });
    expect(new Map(folding.fold.takeChanges())).toEqual(
      new Map([
        ['["api","a"]', cells(1, 1500n, 1.5, 1.5, 7n)],
        ['["web","a"]', cells(1, 3000n, 3, 3, 1n)],
      ]),
    );
    folding.fold.delete("/m/a/1");
    folding.fold.delete("/m/a/404");
    expect(new Map(folding.fold.takeChanges())).toEqual(new Map([['["api","a"]', undefined]]));
    expect([folding.fold.rowCount, folding.fold.groupCount]).toEqual([1, 1]);
    const used = folding.budget.used;
    folding.put("/m/a/1", machine(1)).fold.delete("/m/a/1");
    expect(folding.budget.used).toBe(used);
    folding.fold.delete("/m/a/2");
    folding.fold.delete("/m/a/3");
    expect(folding.budget.used).toBe(0);
  });

  test("says nothing of a record that was written again as it was", () => {
    const folding = new Folding(DEFINITION);
    folding.put("/m/a/1", machine(1.5)).fold.takeChanges();
    folding.put("/m/a/1", machine(1.5));
    expect(folding.fold.takeChanges().size).toBe(0);
  });

  test("names a group that changed and came back", () => {
    const folding = new Folding(DEFINITION);
    folding.put("/m/a/1", machine(1.5)).fold.takeChanges();
    folding.put("/m/a/1", machine(2)).put("/m/a/1", machine(1.5));
    expect([...folding.fold.takeChanges().keys()]).toEqual(['["api","a"]']);
  });

  test("counts and names what it has to skip, until it is mended", () => {
    const folding = new Folding(DEFINITION);
    folding
      .putText("/m/a/1", "{")
      .put("/m/a/2", { up: "yes" })
      .put("/m/a/3", { ...machine(1), app: null })
      .put("/m/a/4", { ...machine(1), cpu: "1" })
      .put("/m/a/5", { up: true, app: "api", disk: 1 })
      .put("/m/a/6", { ...machine(1), app: "x".repeat(2_000) })
      .putText("/m/a/7", '{"up": true, "app": "api", "cpu": 1e999, "disk": 1}')
      .put("/m/a/8", { up: false })
      .put("/m/a/9", machine(1));
    expect(folding.fold.skippedCount).toBe(7);
    const reasons = folding.fold.skippedSample();
    expect(reasons.map(({ key, reason }) => [key, reason.split("\n")[0]])).toEqual([
      ["/m/a/1", "the value is not JSON"],
      ["/m/a/2", "where: is not a bool (1:1)"],
      ["/m/a/3", "groupBy.0: is not text, a number or a bool (1:1)"],
      ["/m/a/4", "measures.cpu: is not a finite number (1:1)"],
      ["/m/a/5", "measures.cpu: field not found: cpu (1:6)"],
      ["/m/a/6", "its group key has 2008 bytes; the limit is 1024"],
      ["/m/a/7", "measures.cpu: is not a finite number (1:1)"],
    ]);
    expect(folding.groups()).toEqual([['["api","a"]', cells(1, 1000n, 1, 1, 0n)]]);
    folding.put("/m/a/1", machine(2)).fold.delete("/m/a/2");
    expect(folding.fold.skippedCount).toBe(5);
    expect(folding.fold.skippedSample()).toHaveLength(5);
    expect(folding.fold.rowCount).toBe(7);
  });

  test("shows a bounded sample of skipped keys", () => {
    const folding = new Folding(DEFINITION);
    for (let i = 0; i < 100; i++) folding.putText(`/m/a/${i}`, "");
    expect([folding.fold.skippedCount, folding.fold.skippedSample().length]).toEqual([100, 16]);
  });

  test("writes numbers, bools and text of a group key as JSON does", () => {
    const folding = new Folding(DEFINITION);
    const key = Buffer.from('/m/é"\\/2').toString("latin1");
    folding.put("/m/a/1", { ...machine(1), app: 3 }).put(key, { ...machine(1), app: -0 });
    folding
      .put("/m/a/3", { ...machine(1), app: true })
      .put("/m/a/4", { ...machine(1), app: 1.5e300 });
    for (const [group] of folding.groups()) {
      expect(JSON.stringify(JSON.parse(group))).toBe(group);
    }
    expect(folding.groups().map(([group]) => group)).toEqual([
      '[0,"é\\"\\\\"]',
      '[1.5e+300,"a"]',
      '[3,"a"]',
      '[true,"a"]',
    ]);
  });

  test("that would have too many groups is refused and frees its rows", () => {
    const folding = new Folding(DEFINITION, { maxGroups: 3 });
    for (let i = 0; i < 4; i++) folding.put(`/m/${i}/x`, machine(1));
    expect(folding.fold.refusal).toBe("it has more than 3 groups; group by less");
    expect([folding.fold.rowCount, folding.fold.groupCount, folding.budget.used]).toEqual([
      0, 0, 0,
    ]);
    folding.put("/m/9/x", machine(1)).fold.delete("/m/1/x");
    expect(folding.groups()).toEqual([]);
  });

  test("that would take too much memory is refused, for skipped keys, too", () => {
    for (const text of ["{", JSON.stringify(machine(1))]) {
      const folding = new Folding(DEFINITION, { maxBytes: 100_000 });
      let taken = 0;
      for (; folding.fold.refusal === undefined; taken++) folding.putText(`/m/a/${taken}`, text);
      expect(folding.fold.refusal).toBe(
        "this gateway's summaries need more than 100000 bytes for the keys that they match; match fewer or take fewer measures",
      );
      expect(taken).toBeGreaterThan(300);
      expect(taken).toBeLessThan(1_500);
      expect([folding.fold.rowCount, folding.fold.groupCount, folding.budget.used]).toEqual([
        0, 0, 0,
      ]);
    }
  });
});

const value = fc.record({
  up: fc.constantFrom<unknown>(true, true, true, false, "broken"),
  app: fc.constantFrom<unknown>("a", "b", "c", 3, null),
  cpu: fc.oneof(
    fc.constantFrom(0.1, 0.2, 0.3, 1e15, -5),
    fc.double({ noNaN: true, min: -1e20, max: 1e20 }),
  ),
  disk: fc.oneof(fc.maxSafeInteger(), fc.constant("?")),
});
const step = fc.tuple(
  fc.constantFrom("/m/x/1", "/m/x/2", "/m/y/3", "/m/y/4", "/m/y"),
  fc.option(value, { nil: undefined, freq: 3 }),
);

describe("whatever the path to a set of records", () => {
  test("the groups are those of a fold that only saw the set", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lived = new Folding(DEFINITION);
        const records = new Map<string, unknown>();
        const followed = new Map<string, readonly Cell[]>();
        for (const [key, record] of steps) {
          if (record === undefined) {
            lived.fold.delete(key);
            records.delete(key);
          } else {
            lived.put(key, record);
            records.set(key, record);
          }
          for (const [group, cells] of lived.fold.takeChanges()) {
            if (cells === undefined) followed.delete(group);
            else followed.set(group, cells);
          }
        }
        const fresh = new Folding(DEFINITION);
        for (const [key, record] of [...records].reverse()) fresh.put(key, record);
        expect(lived.groups()).toEqual(fresh.groups());
        expect([...followed].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(fresh.groups());
        expect(lived.fold.skippedCount).toBe(fresh.fold.skippedCount);
        expect(lived.budget.used).toBe(fresh.budget.used);
      }),
      { numRuns: 500 },
    );
  });
});

test("a budget's limit is told in MiB where it is as much", () => {
  expect(new MemoryBudget(512 * 1024 * 1024).limitText).toBe("512 MiB");
  expect(new MemoryBudget(100_000).limitText).toBe("100000 bytes");
});

describe("accumulators", () => {
  test("an extreme is that of the multiset, after any additions and removals", () => {
    const numbers = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.boolean()), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(numbers, fc.constantFrom("min" as const, "max" as const), (steps, kind) => {
        const accumulator = new ExtremeAccumulator(kind);
        const held: number[] = [];
        for (const [number, remove] of steps) {
          if (remove && held.length > 0) {
            const [gone] = held.splice(Math.abs(number) % held.length, 1) as [number];
            accumulator.remove(gone);
          } else {
            accumulator.add(number);
            held.push(number);
          }
          if (number % 3 === 0) {
            const expected = held.length === 0 ? undefined : Math[kind](...held) + 0;
            expect(accumulator.cell()).toEqual({ kind, value: expected });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("an extreme's memory doesn't grow with what is gone", () => {
    const accumulator = new ExtremeAccumulator("min");
    accumulator.add(-1);
    for (let i = 0; i < 100_000; i++) {
      accumulator.add(i);
      accumulator.remove(i);
    }
    expect(accumulator.cell()).toEqual({ kind: "min", value: -1 });
    expect(() => accumulator.remove(5)).toThrow("isn't in the multiset");
  });

  test("a sum is exact at any size and in any order", () => {
    const numbers = fc.array(
      fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, min: -1e30, max: 1e30 })),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(numbers, fc.integer({ min: 0, max: 9 }), (values, scale) => {
        const sum = new SumAccumulator(scale);
        for (const each of values) sum.add(each);
        for (const each of [...values].reverse().slice(1)) sum.remove(each);
        const only = new SumAccumulator(scale);
        for (const each of values.slice(-1)) only.add(each);
        expect(sum.cell()).toEqual(only.cell());
      }),
    );
  });

  test.each([
    [0.1, 3, 100],
    [1.0005, 3, 1001],
    [-2.5, 0, -2],
    [4_000_000_000_000, 3, 4_000_000_000_000_000],
    [9_007_199_254_740_991, 3, 9_007_199_254_740_991_000n],
    [1.5e300, 0, BigInt(1.5e300)],
    [9e15 + 0.5, 1, 90_000_000_000_000_000n],
  ])("%d at scale %d is %d", (number, scale, expected) => {
    expect(scaled(number, scale)).toBe(expected);
  });
});
