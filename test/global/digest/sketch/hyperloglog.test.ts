import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashNumber, hashText } from "../../../../global/digest/sketch/hash64.js";
import {
  DISTINCT_STANDARD_ERROR,
  estimateDistinct,
  mergeDistinct,
  packRegisters,
  REGISTERS,
  registerIndex,
  registerOf,
  registerRank,
  visitRegisters,
} from "../../../../global/digest/sketch/hyperloglog.js";
import { registers } from "./arbitrary.js";

/** The sketch of values, made the plain way. */
class Plain {
  readonly #registers = new Uint8Array(REGISTERS);

  add(pair: number): void {
    const index = registerIndex(pair);
    this.#registers[index] = Math.max(this.#registers[index] as number, registerRank(pair));
  }

  packed(): string {
    return packRegisters(this.#registers);
  }
}

function sketchOf(values: Iterable<string>): string {
  const sketch = new Plain();
  for (const value of values) sketch.add(hashText(value, registerOf));
  return sketch.packed();
}

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `host-${from + i}`);
}

test.each([
  [0x00000000, 0x00000000, 0, 53],
  [0x00000000, 0x00000001, 0, 52],
  [0x00000000, 0x80000000, 0, 21],
  [0x00100001, 0xffffffff, 1, 20],
  [0xfff7ffff, 0x00000000, 4_095, 2],
  [0x80080000, 0x00000000, 2_048, 1],
])("the hash %i, %i raises register %i to %i", (high, low, index, rank) => {
  const pair = registerOf(high, low);
  expect([registerIndex(pair), registerRank(pair)]).toEqual([index, rank]);
});

describe("an estimate", () => {
  // The same seeds on every run, so the figures are always the same.
  const SEEDS = 60;
  const CARDINALITIES = [1, 10, 100, 1_000, 3_000, 6_000, 10_000, 20_000, 50_000, 100_000];

  test.each([
    ["text", (seed: number, i: number) => hashText(`${seed}/host-${i}`, registerOf)],
    ["numbers", (seed: number, i: number) => hashNumber(seed * 1e9 + i, registerOf)],
  ])("of %s has a standard error of 1.625 % and no bias, at every cardinality", (_, pairOf) => {
    const errors = new Map(CARDINALITIES.map((cardinality) => [cardinality, [] as number[]]));
    for (let seed = 0; seed < SEEDS; seed++) {
      const sketch = new Plain();
      let added = 0;
      for (const cardinality of CARDINALITIES) {
        for (; added < cardinality; added++) sketch.add(pairOf(seed, added));
        const error = estimateDistinct(sketch.packed()) / cardinality - 1;
        errors.get(cardinality)?.push(error);
      }
    }
    for (const [cardinality, all] of errors) {
      const mean = all.reduce((sum, error) => sum + error, 0) / SEEDS;
      const rms = Math.sqrt(all.reduce((sum, error) => sum + error ** 2, 0) / SEEDS);
      // A standard deviation measured by 60 trials is itself 9 % off; 2.5 of those are allowed.
      expect(rms, `of ${cardinality}`).toBeLessThan(DISTINCT_STANDARD_ERROR * 1.23);
      expect(Math.abs(mean), `of ${cardinality}`).toBeLessThan(
        (3 * DISTINCT_STANDARD_ERROR) / Math.sqrt(SEEDS),
      );
    }
  });

  test("of nothing is 0, and of few is exact", () => {
    expect(estimateDistinct(sketchOf([]))).toBe(0);
    for (let n = 1; n <= 20; n++) {
      expect(Math.round(estimateDistinct(sketchOf(range(0, n))))).toBe(n);
    }
  });
});

describe("a merge", () => {
  test("is the sketch of all values, however they overlap", () => {
    const length = fc.oneof(fc.nat(100), fc.nat(6_000));
    const spans = fc.array(fc.tuple(length, length), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(spans, (all) => {
        const values = all.map(([from, length]) => range(from, from + length));
        expect(mergeDistinct(values.map(sketchOf))).toBe(sketchOf(values.flat()));
      }),
      { numRuns: 40 },
    );
  });

  test("is commutative, associative and idempotent", () => {
    fc.assert(
      fc.property(registers, registers, registers, (a, b, c) => {
        const all = mergeDistinct([a, b, c]);
        expect(mergeDistinct([c, b, a])).toBe(all);
        expect(mergeDistinct([mergeDistinct([a, b]), c])).toBe(all);
        expect(mergeDistinct([a, mergeDistinct([b, c])])).toBe(all);
        expect(mergeDistinct([all, a, all])).toBe(all);
        expect(mergeDistinct([a])).toBe(a);
      }),
    );
  });
});

describe("bytes that no sketch packs", () => {
  const refused = (packed: string): string => {
    try {
      visitRegisters(packed, "cell", () => {});
    } catch (error) {
      return (error as Error).message;
    }
    return "taken";
  };
  const full = (rank: number): string => String.fromCharCode(rank).repeat(REGISTERS);

  test.each([
    ["", "cell ends too early"],
    ["\x02", "begins with 2; a HyperLogLog begins with 0 or 1"],
    ["\x00\x00", "has a rank of 0"],
    ["\x00\x40", "has a rank of 0"],
    ["\x00\x36", "has a rank of 54"],
    ["\x00\x01\x01", "has a register twice"],
    ["\x00\x01\x00", "has a register twice"],
    ["\x00\x81\x80\x10", "has more than 4096 registers"],
    ["\x00\x81", "ends too early"],
    ["\x00\x81\x00", "isn't in its shortest form"],
    ["\x00\xff\xff\xff\xff\xff\xff\xff\xff\x01", "beyond 2^53 - 1"],
    [`\x00${"\x80".repeat(100_000)}\x01`, "beyond 2^53 - 1"],
    ["\x01", "ends too early"],
    [`\x01${full(54)}`, "has a rank of 54"],
    [`\x01${full(1)}\x01`, "is longer than its registers"],
    [`\x01${"\x01".repeat(1_024).padEnd(REGISTERS, "\0")}`, "has only 1024 registers and doesn't"],
    [`\x00\x01${"\x40".repeat(1_024)}`, "lists more than 1024 registers"],
  ])("%j are refused", (packed, reason) => {
    expect(refused(packed)).toContain(reason);
  });

  test("are refused whatever they are, and what is taken is canonical", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((all) => `\0${String.fromCharCode(...all)}`),
      fc.tuple(registers, fc.nat(), fc.nat(255)).map(([packed, at, unit]) => {
        const cut = at % (packed.length + 1);
        return packed.slice(0, cut) + String.fromCharCode(unit) + packed.slice(cut + 1);
      }),
    );
    fc.assert(
      fc.property(bytes, (packed) => {
        const filled = new Uint8Array(REGISTERS);
        try {
          visitRegisters(packed, "cell", (pair) => {
            filled[registerIndex(pair)] = registerRank(pair);
          });
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
          return;
        }
        expect(packRegisters(filled)).toBe(packed);
      }),
      { numRuns: 2_000 },
    );
  });
});
