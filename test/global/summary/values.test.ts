import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell, PackedCell } from "../../../global/digest/cell.js";
import { decodeDated } from "../../../global/digest/values/chosen.js";
import { readTop } from "../../../global/digest/values/top.js";
import { decodeValue } from "../../../global/digest/values/value-code.js";
import { readSet } from "../../../global/digest/values/value-set.js";
import { parseDefinition } from "../../../global/summary/definition/parse.js";
import { FirstFew } from "../../../global/summary/fold/first-few.js";
import { TopAccumulator } from "../../../global/summary/fold/top.js";
import { ValueTable } from "../../../global/summary/fold/value-table.js";
import { GreatestAccumulator, SetAccumulator } from "../../../global/summary/fold/values.js";
import { contentOf } from "../digest/model.js";
import { Folding } from "./folding.js";

const DEFINITION = parseDefinition(
  `
name: m
prefix: /m/
groupBy: [value.app]
measures:
  one: any(value.zone)
  last: latest(value.zone)
  newest: latest(value.zone, by=value.at)
  zones: set(value.zone, limit=3)
  most: top(value.zone, k=2)
  heaviest: top(value.zone, k=2, weight=value.load, scale=1)
`,
  "test",
);

interface Machine {
  readonly app: string;
  readonly zone: unknown;
  readonly at: number;
  readonly load: unknown;
}

function show(cell: Cell): unknown {
  const { kind, packed } = cell as PackedCell;
  if (kind === "any") return decodeValue(packed);
  if (kind === "latest") return decodeDated(packed);
  if (kind === "set") {
    const { codes, truncated } = readSet(packed, "set");
    return [codes.map(decodeValue), truncated];
  }
  const { entries, unlisted } = readTop(packed, "top");
  return [entries.map(({ code, weight }) => [decodeValue(code), weight]), unlisted];
}

function shown(folding: Folding): unknown {
  return folding.groups().map(([group, cells]) => [group, ...(cells ?? []).map(show)]);
}

const machine = (zone: unknown, at = 1, load: unknown = 1): Machine => ({
  app: "api",
  zone,
  at,
  load,
});

describe("a fold of values", () => {
  test("chooses, lists and weighs them", () => {
    const folding = new Folding(DEFINITION);
    folding
      .put("/m/1", machine("b", 30, 0.5), 7)
      .put("/m/2", machine("a", 10, 2), 9)
      .put("/m/3", machine("c", 20, 0.25), 8)
      .put("/m/4", machine("b", 5, 1.5), 3)
      .put("/m/5", machine("d", 30, 0), 4);
    expect(shown(folding)).toEqual([
      [
        '["api"]',
        "d",
        { value: "a", order: 9 },
        { value: "d", order: 30 },
        [["a", "b", "c"], true],
        [
          [
            ["b", 2],
            ["a", 1],
          ],
          1,
        ],
        [
          [
            ["a", 20],
            ["b", 20],
          ],
          3,
        ],
      ],
    ]);
    folding.fold.delete("/m/2");
    folding.fold.delete("/m/5");
    expect(shown(folding)).toEqual([
      [
        '["api"]',
        "c",
        { value: "c", order: 8 },
        { value: "b", order: 30 },
        [["b", "c"], false],
        [
          [
            ["b", 2],
            ["c", 1],
          ],
          0,
        ],
        [
          [
            ["b", 20],
            ["c", 3],
          ],
          0,
        ],
      ],
    ]);
  });

  test("moves when a record is written again with nothing new but its revision", () => {
    const folding = new Folding(DEFINITION);
    folding.put("/m/1", machine("a"), 5).put("/m/2", machine("b"), 6).fold.takeChanges();
    folding.put("/m/1", machine("a"), 7);
    expect(folding.fold.takeChanges().size).toBe(1);
    folding.put("/m/1", machine("a"), 7);
    expect(folding.fold.takeChanges().size).toBe(0);
    expect((shown(folding) as unknown[][])[0]?.[2]).toEqual({ value: "a", order: 7 });
  });

  test("takes bools, so that any is true when one of them is", () => {
    const folding = new Folding(DEFINITION);
    folding.put("/m/1", machine(false)).put("/m/2", machine(true));
    expect((shown(folding) as unknown[][])[0]?.[1]).toBe(true);
    folding.fold.delete("/m/2");
    expect((shown(folding) as unknown[][])[0]?.[1]).toBe(false);
  });

  test("skips what it can't show or weigh, and says why", () => {
    const folding = new Folding(DEFINITION);
    folding
      .put("/m/1", machine("x".repeat(256)))
      .put("/m/2", machine("é".repeat(128)))
      .put("/m/3", machine(null))
      .put("/m/4", machine("a", 1, -1))
      .put("/m/5", { ...machine("a"), at: "now" })
      .put("/m/6", machine("x".repeat(255)));
    expect(
      folding.fold.skippedSample().map(({ key, reason }) => [key, reason.split("\n")[0]]),
    ).toEqual([
      ["/m/1", "measures.one: is longer than the 255 bytes that a measure shows (1:1)"],
      ["/m/2", "measures.one: is longer than the 255 bytes that a measure shows (1:1)"],
      ["/m/3", "measures.one: is not text, a number or a bool (1:1)"],
      ["/m/4", "measures.heaviest: is not a finite number from 0 (1:1)"],
      ["/m/5", "measures.newest: is not a finite number (1:1)"],
    ]);
    expect(folding.fold.groupCount).toBe(1);
  });

  test("weighs exactly, beyond what a double holds, too", () => {
    const folding = new Folding(DEFINITION);
    const heaviest = (): unknown => (shown(folding) as unknown[][])[0]?.[6];
    folding.put("/m/1", machine("a", 1, 9e14)).put("/m/2", machine("a", 1, 0.1));
    expect(heaviest()).toEqual([[["a", 9e15 + 1]], 0]);
    folding.put("/m/3", machine("a", 1, 1e30));
    expect(heaviest()).toEqual([[["a", Number.MAX_SAFE_INTEGER]], 0]);
    folding.fold.delete("/m/3");
    expect(heaviest()).toEqual([[["a", 9e15 + 1]], 0]);
  });
});

test("a fold whose lists have more bytes than a section may is refused", () => {
  const folding = new Folding(DEFINITION, { maxPackedBytes: 2_000 });
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 3; i++) folding.put(`/m/${i}`, machine(`${round}`.repeat(25 * i)));
    folding.fold.takeChanges();
    if (round % 2 === 0) for (let i = 0; i < 3; i++) folding.fold.delete(`/m/${i}`);
  }
  expect(folding.fold.refusal).toBeUndefined();
  for (let i = 3; i < 9; i++) folding.put(`/m/${i}`, { ...machine("x".repeat(200)), app: `${i}` });
  folding.fold.takeChanges();
  expect(folding.fold.refusal).toBe(
    "its sketches and lists have more than 2000 bytes; group by less or list fewer",
  );
  expect([folding.fold.groupCount, folding.budget.used]).toEqual([0, 0]);
});

describe("whatever the path to a set of records", () => {
  const zone = fc.oneof(
    fc.nat(40).map((n) => `zone-${n}`),
    fc.constantFrom<unknown>(true, false, 1, "1", -0, null, "é"),
  );
  const record = fc.record({
    app: fc.constantFrom("a", "b"),
    zone,
    at: fc.nat(5),
    load: fc.oneof(fc.nat(9), fc.double({ min: 0, max: 5, noNaN: true }), fc.constant(1e300)),
  });
  const step = fc.tuple(
    fc.nat(60).map((n) => `/m/${n}`),
    fc.option(record, { nil: undefined, freq: 3 }),
  );

  test("values have the root that a fold has which only saw the set", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        const lived = new Folding(DEFINITION);
        const records = new Map<string, [unknown, number]>();
        for (const [index, [key, value]] of steps.entries()) {
          if (value === undefined) {
            lived.fold.delete(key);
            records.delete(key);
          } else {
            lived.put(key, value, index + 1);
            records.set(key, [value, index + 1]);
          }
          // Windows are filled again when they are read.
          if (index % 7 === 0) lived.fold.takeChanges();
        }
        const fresh = new Folding(DEFINITION);
        for (const [key, [value, revision]] of [...records].reverse()) {
          fresh.put(key, value, revision);
        }
        const root = (folding: Folding): string =>
          contentOf(new Map(folding.groups() as [string, readonly Cell[]][])).root;
        expect(root(lived)).toBe(root(fresh));
        expect(lived.budget.used).toBe(fresh.budget.used);
        for (const key of records.keys()) lived.fold.delete(key);
        expect(lived.budget.used).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the first few of many", () => {
  test("are those of a sorted list, as items come and go", () => {
    const steps = fc.array(fc.tuple(fc.nat(200), fc.boolean(), fc.boolean()), {
      maxLength: 600,
      size: "max",
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 6 }), (all, few) => {
        const items = new Set<number>();
        const first = new FirstFew<number>(
          few,
          (a, b) => a - b,
          () => items,
        );
        for (const [item, remove, read] of all) {
          if (items.has(item)) {
            if (!remove) continue;
            items.delete(item);
            first.remove(item);
          } else {
            items.add(item);
            first.insert(item);
          }
          if (read) expect(first.first()).toEqual([...items].sort((a, b) => a - b).slice(0, few));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("are found without a walk over all each time", () => {
    const items = new Set<number>();
    let walks = 0;
    const first = new FirstFew<number>(
      10,
      (a, b) => a - b,
      () => {
        walks++;
        return items;
      },
    );
    const add = (item: number): void => {
      items.add(item);
      first.insert(item);
    };
    for (let i = 0; i < 10_000; i++) add(i);
    for (let i = 0; i < 5_000; i++) {
      items.delete(i);
      first.remove(i);
      expect(first.first()[0]).toBe(i + 1);
    }
    expect(walks).toBeLessThan(500);
  });
});

describe("what was never added can't be removed", () => {
  const table = new ValueTable();
  const number = table.take("\x01");
  test.each([
    ["any", new GreatestAccumulator("any", table)],
    ["set", new SetAccumulator(3, table)],
    ["top", new TopAccumulator(3, 0, table)],
  ])("from %s", (_, accumulator) => {
    expect(() => accumulator.remove(number, 1)).toThrow("invariant violated");
  });
});
