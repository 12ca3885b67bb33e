import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BINS, binOf, valueOfBin } from "../../../../global/digest/sketch/bins.js";
import {
  mergeQuantiles,
  packBins,
  readQuantiles,
  visitBins,
} from "../../../../global/digest/sketch/ddsketch.js";
import { bins } from "./arbitrary.js";

const ACCURACY = 0.01;
const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1];

function sketchOf(values: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(binOf(value), (counts.get(binOf(value)) ?? 0) + 1);
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return packBins(
    sorted.map(([bin]) => bin),
    sorted.map(([, count]) => count),
  );
}

function binsOf(packed: string): [number, number][] {
  const all: [number, number][] = [];
  visitBins(packed, "cell", (bin, count) => all.push([bin, count]));
  return all;
}

/** Doubles of all magnitudes that keep their accuracy. */
const inRange = fc
  .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -64, max: 62 }))
  .map(([mantissa, exponent]) => mantissa * 2 ** exponent);
const value = fc.oneof(
  inRange,
  inRange.map((each) => -each),
  fc.constant(0),
  fc.integer(),
);

describe("a bin", () => {
  test("stands for its values within 1 %", () => {
    fc.assert(
      fc.property(value, (each) => {
        expect(Math.abs(valueOfBin(binOf(each)) - each)).toBeLessThanOrEqual(
          ACCURACY * Math.abs(each),
        );
      }),
      { numRuns: 5_000 },
    );
  });

  test("comes after those of lesser values", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(Math.sign(binOf(a) - binOf(b)) * Math.sign(a - b)).toBeGreaterThanOrEqual(0);
        expect(binOf(-a)).toBe(-binOf(a) + 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("begins at each 35th of an octave, and no bin is left out", () => {
    const seen = new Set<number>();
    for (let bin = 1; bin <= BINS; bin++) {
      const representative = valueOfBin(bin);
      expect(binOf(representative)).toBe(bin);
      seen.add(representative);
    }
    expect(seen.size).toBe(BINS);
    expect([1, 2, 4, 2 ** -64].map(binOf)).toEqual([2_241, 2_276, 2_311, 1]);
  });

  test.each([
    [0, 0],
    [-0, 0],
    [Number.MIN_VALUE, 0],
    [2 ** -65, 0],
    [-(2 ** -65), 0],
    [2 ** 64, BINS],
    [Number.MAX_VALUE, BINS],
    [-Number.MAX_VALUE, -BINS],
    [2 - 2 ** -52, 2_275],
    [1 - 2 ** -53, 2_240],
    [1.25, 2_252],
    [99, 2_473],
  ])("of %d is %d, on every machine", (each, bin) => {
    expect(binOf(each)).toBe(bin);
  });
});

describe("quantiles", () => {
  test("are within 1 % of the exact ones", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const reading = readQuantiles(sketchOf(values));
        expect(reading.count).toBe(values.length);
        for (const q of QUANTILES) {
          const exact = sorted[Math.floor(q * (values.length - 1))] as number;
          expect(Math.abs(reading.at(q) - exact)).toBeLessThanOrEqual(ACCURACY * Math.abs(exact));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("of one value are that value", () => {
    const { count, at } = readQuantiles(sketchOf([42, 42, 42]));
    expect([count, at(0), at(0.5), at(1)]).toEqual([3, at(0), at(0), at(0)]);
    expect(at(0)).toBeCloseTo(42, 0);
  });
});

describe("a merge", () => {
  test("is the sketch of all values", () => {
    const parts = fc.array(fc.array(value, { minLength: 1, maxLength: 50 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(parts, (all) => {
        expect(mergeQuantiles(all.map(sketchOf))).toBe(sketchOf(all.flat()));
      }),
    );
  });

  test("is commutative and associative, and adds what it is told twice", () => {
    fc.assert(
      fc.property(bins, bins, bins, (a, b, c) => {
        const all = mergeQuantiles([a, b, c]);
        expect(mergeQuantiles([c, b, a])).toBe(all);
        expect(mergeQuantiles([mergeQuantiles([a, b]), c])).toBe(all);
        expect(mergeQuantiles([a, mergeQuantiles([b, c])])).toBe(all);
        expect(binsOf(mergeQuantiles([a, a]))).toEqual(
          binsOf(a).map(([bin, count]) => [bin, 2 * count]),
        );
      }),
    );
  });

  test("stands at 2^53 - 1 rather than lose count", () => {
    const most = packBins([7], [Number.MAX_SAFE_INTEGER]);
    expect(mergeQuantiles([most, most])).toBe(most);
  });
});

describe("bytes that no sketch packs", () => {
  test.each([
    ["", "cell holds no values"],
    ["\x02", "ends too early"],
    ["\x02\x00", "has an empty bin"],
    ["\x02\x01\x00\x01", "has a bin twice"],
    ["\x82\x46\x01", "has a bin 4481; there are -4480 to 4480"],
    ["\x81\x46\x01", "has a bin -4481"],
    ["\x80\x46\x01\x01\x01", "has a bin 4481"],
    ["\x82\x00\x01", "isn't in its shortest form"],
    ["\x02\xff\xff\xff\xff\xff\xff\xff\x0f\x01\x01", "counts more than 2^53 - 1 values"],
  ])("%j are refused", (packed, reason) => {
    expect(() => binsOf(packed)).toThrow(reason);
  });

  test("are refused whatever they are, and what is taken is canonical", () => {
    const bytes = fc.uint8Array({ maxLength: 24 }).map((all) => String.fromCharCode(...all));
    fc.assert(
      fc.property(bytes, (packed) => {
        let all: [number, number][];
        try {
          all = binsOf(packed);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
          return;
        }
        expect(
          packBins(
            all.map(([bin]) => bin),
            all.map(([, count]) => count),
          ),
        ).toBe(packed);
      }),
      { numRuns: 2_000 },
    );
  });
});
