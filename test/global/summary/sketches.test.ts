import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell, PackedCell } from "../../../global/digest/cell.js";
import { mergeQuantiles, readQuantiles } from "../../../global/digest/sketch/ddsketch.js";
import {
  DISTINCT_STANDARD_ERROR,
  estimateDistinct,
  mergeDistinct,
} from "../../../global/digest/sketch/hyperloglog.js";
import { parseDefinition } from "../../../global/summary/definition/parse.js";
import { DistinctAccumulator } from "../../../global/summary/fold/distinct.js";
import { QuantilesAccumulator } from "../../../global/summary/fold/quantiles.js";
import { seededRandom } from "../../../shared/random.js";
import { contentOf } from "../digest/model.js";
import { Folding } from "./folding.js";

const DEFINITION = parseDefinition(
  `
name: m
prefix: /m/
where: value.up
groupBy: [value.app]
measures:
  n: count()
  hosts: distinct(value.host)
  latency: quantiles(value.ms)
  slowest: max(value.ms)
  loads: distinct(value.ms)
`,
  "test",
);

function packed(cell: Cell | undefined): string {
  return (cell as PackedCell).packed;
}

/** All cells of a fold's only group. */
function onlyGroup(folding: Folding): readonly Cell[] {
  const groups = folding.groups();
  expect(groups).toHaveLength(1);
  return groups[0]?.[1] as readonly Cell[];
}

function rootOf(folding: Folding): string {
  return contentOf(new Map(folding.groups() as [string, readonly Cell[]][])).root;
}

describe("whatever the path to a set of records", () => {
  const record = fc.record({
    up: fc.constantFrom<unknown>(true, true, true, false, "broken"),
    app: fc.constantFrom("a", "b"),
    host: fc.oneof(
      fc.nat(2_000).map((n) => `host-${n}`),
      fc.constantFrom<unknown>("", 1, "1", true, -0, 0, null),
    ),
    ms: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.nat(99),
      fc.constant<unknown>("?"),
    ),
  });
  /** Keys from one on, and what they are given; what spans many is worked out from the key. */
  const steps = fc.array(
    fc.record({
      from: fc.nat(2_000),
      count: fc.oneof(fc.constant(1), fc.nat(2_000)),
      value: fc.option(record, { nil: undefined, freq: 2 }),
    }),
    { maxLength: 30 },
  );

  test("sketches have the root that a fold has which only saw the set", () => {
    let largest = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const lived = new Folding(DEFINITION);
        const records = new Map<string, unknown>();
        for (const { from, count, value } of all) {
          for (let i = from; i < from + count; i++) {
            const at = `/m/${i}`;
            if (value === undefined) {
              lived.fold.delete(at);
              records.delete(at);
              continue;
            }
            const own = i === from ? value : { ...value, host: `host-${i}`, ms: i / 7 };
            lived.put(at, own);
            records.set(at, own);
          }
        }
        const fresh = new Folding(DEFINITION);
        for (const [at, value] of [...records].reverse()) fresh.put(at, value);
        expect(rootOf(lived)).toBe(rootOf(fresh));
        expect(lived.fold.skippedCount).toBe(fresh.fold.skippedCount);
        largest = Math.max(largest, ...lived.groups().map(([, own]) => packed(own?.[1]).length));
      }),
      { numRuns: 60 },
    );
    // Otherwise the forms of many values were never tried.
    expect(largest).toBe(4_097);
  });

  test("one that shrank to almost nothing is as small as it was at first", () => {
    const folding = new Folding(DEFINITION);
    const put = (i: number): unknown =>
      folding.put(`/m/${i}`, { up: true, app: "a", host: `host-${i}`, ms: i });
    put(1);
    const root = rootOf(folding);
    for (let i = 2; i < 3_000; i++) put(i);
    expect(packed(onlyGroup(folding)[1])).toHaveLength(4_097);
    for (let i = 2; i < 3_000; i++) folding.fold.delete(`/m/${i}`);
    expect(rootOf(folding)).toBe(root);
    expect(packed(onlyGroup(folding)[1]).length).toBeLessThan(5);
  });
});

describe("after deletions and merges over regions", () => {
  const REGIONS = 3;
  const RECORDS = 4_000;
  const SEEDS = 40;

  test("distinct errs by 1.625 %, and quantiles by 1 % at most", () => {
    const errors: number[] = [];
    let worst = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const alive = new Map<string, { pair: string; host: string; ms: number }>();
      const folds = Array.from({ length: REGIONS }, () => new Folding(DEFINITION));
      for (let i = 0; i < RECORDS * 2; i++) {
        const region = random.int(REGIONS);
        const at = `/m/${random.int(RECORDS)}`;
        const fold = folds[region] as Folding;
        if (random.chance(0.3)) {
          fold.fold.delete(at);
          alive.delete(`${region}${at}`);
          continue;
        }
        const host = `${seed}-host-${random.int(RECORDS * 4)}`;
        const ms = Math.exp(random.next() * 12 - 4) * (random.chance(0.1) ? -1 : 1);
        fold.put(at, { up: true, app: "a", host, ms });
        alive.set(`${region}${at}`, { pair: at, host, ms });
      }
      const parts = folds.map(onlyGroup);
      const hosts = new Set([...alive.values()].map(({ host }) => host)).size;
      const merged = mergeDistinct(parts.map((cells) => packed(cells[1])));
      errors.push(estimateDistinct(merged) / hosts - 1);
      const sorted = [...alive.values()].map(({ ms }) => ms).sort((a, b) => a - b);
      const { count, at } = readQuantiles(mergeQuantiles(parts.map((cells) => packed(cells[2]))));
      expect(count).toBe(sorted.length);
      for (const q of [0, 0.01, 0.05, 0.5, 0.9, 0.99, 0.999, 1]) {
        const exact = sorted[Math.floor(q * (count - 1))] as number;
        worst = Math.max(worst, Math.abs(at(q) / exact - 1));
      }
    }
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / SEEDS);
    // Measured by 40 trials, a standard deviation is itself 11 % off; 2.5 of those are allowed.
    expect(rms).toBeLessThan(DISTINCT_STANDARD_ERROR * 1.28);
    expect(rms).toBeGreaterThan(DISTINCT_STANDARD_ERROR / 2);
    expect(worst).toBeLessThanOrEqual(0.01);
  });
});

describe("what was never added can't be removed", () => {
  test.each([
    ["distinct", () => new DistinctAccumulator(), 2_000],
    ["quantiles", () => new QuantilesAccumulator(), 50],
  ])("from %s", (_, make, many) => {
    const accumulator = make();
    expect(() => accumulator.remove(65)).toThrow("invariant violated");
    for (let i = 1; i <= many; i++) accumulator.add(i * 64 + 1);
    expect(() => accumulator.remove(2)).toThrow("invariant violated");
  });
});
