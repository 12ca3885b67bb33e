import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PACKED } from "../../../../global/digest/packed.js";
import { decodeDated } from "../../../../global/digest/values/chosen.js";
import { mergeTops, packTop, readTop } from "../../../../global/digest/values/top.js";
import {
  checkValue,
  decodeValue,
  encodeValue,
  type Value,
} from "../../../../global/digest/values/value-code.js";
import { mergeSets, packSet, readSet } from "../../../../global/digest/values/value-set.js";
import { codes, dated, sets, tops, value } from "./arbitrary.js";

const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

/** The order of values, written down plainly. */
function compare(a: Value, b: Value): number {
  const rank = (each: Value): number => ["boolean", "number", "string"].indexOf(typeof each);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(String(b)));
  // -0 and 0 are one number.
  return Number(a) - Number(b) + 0;
}

describe("a value's code", () => {
  test("is in the order of values, and gives the value back", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [left, right] = [encodeValue(a), encodeValue(b)];
        expect(Math.sign(left < right ? -1 : left > right ? 1 : 0)).toBe(Math.sign(compare(a, b)));
        expect(decodeValue(left)).toBe(typeof a === "number" ? a + 0 : a);
        checkValue(left, "cell");
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ["", "has a value of an unknown kind"],
    ["\x05", "has a value of an unknown kind"],
    ["\x01\x00", "has a bool with more behind it"],
    ["\x03\x00", "has a number that isn't finite"],
    [`\x03${"\xff".repeat(8)}`, "has a number that isn't finite"],
    [`\x03\xff\xf0${"\0".repeat(6)}`, "has a number that isn't finite"],
    [`\x03\x7f${"\xff".repeat(7)}`, "not in canonical form"],
    ["\x04\xff", "has text that isn't UTF-8"],
    [`\x04${bytesOf("é").slice(0, 1)}`, "has text that isn't UTF-8"],
    [`\x04${"x".repeat(256)}`, "has a value of 257 bytes; at most 256 are allowed"],
  ])("is refused when it is none: %j", (code, reason) => {
    expect(() => checkValue(code, "cell")).toThrow(reason);
  });

  test("may begin with a byte-order mark", () => {
    const code = encodeValue("\ufeffx");
    checkValue(code, "cell");
    expect(decodeValue(code)).toBe("\ufeffx");
  });
});

describe.each([
  ["any", codes, true],
  ["latest", dated, true],
  ["set", sets, true],
  ["top", tops, false],
] as const)("a merge of %s", (kind, cells, idempotent) => {
  const merge = (...parts: string[]): string => PACKED[kind].merge(parts, 4);

  test("is commutative and associative", () => {
    fc.assert(
      fc.property(cells, cells, cells, (a, b, c) => {
        const all = merge(a, b, c);
        expect(merge(c, b, a)).toBe(all);
        expect(merge(merge(a, b), c)).toBe(all);
        expect(merge(a, merge(b, c))).toBe(all);
        if (idempotent) expect(merge(all, a, all)).toBe(all);
      }),
      { numRuns: 500 },
    );
  });

  test("takes what was packed, and refuses everything else", () => {
    const torn = fc.tuple(cells, fc.nat(), fc.nat(255)).map(([packed, at, unit]) => {
      const cut = at % (packed.length + 1);
      return packed.slice(0, cut) + String.fromCharCode(unit) + packed.slice(cut + 1);
    });
    const bytes = fc.uint8Array({ maxLength: 20 }).map((all) => String.fromCharCode(...all));
    fc.assert(
      fc.property(cells, fc.oneof(torn, bytes), (good, packed) => {
        PACKED[kind].check(good, "cell");
        try {
          PACKED[kind].check(packed, "cell");
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
          return;
        }
        if (kind === "set") expect(packSet(readSet(packed, "cell"))).toBe(packed);
        if (kind === "top") expect(packTop(readTop(packed, "cell"))).toBe(packed);
        if (kind === "latest") expect(Number.isFinite(decodeDated(packed).order)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a merged set", () => {
  test("is the least of all values, and says when there are more", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(codes), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        (all, limit) => {
          const packed = all.map((own) => {
            const sorted = [...new Set(own)].sort();
            return packSet({ codes: sorted.slice(0, limit), truncated: sorted.length > limit });
          });
          const sorted = [...new Set(all.flat())].sort();
          expect(readSet(mergeSets(packed, limit), "set")).toEqual({
            codes: sorted.slice(0, limit),
            truncated: sorted.length > limit,
          });
        },
      ),
    );
  });
});

const NAMES = "abcdefghij".split("");

describe("a merged top", () => {
  const weights = fc.dictionary(fc.constantFrom(...NAMES), fc.nat(30), {
    noNullPrototype: true,
  });

  test("bounds each value's true weight, listed or not", () => {
    fc.assert(
      fc.property(
        fc.array(weights, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (regions, k) => {
          const parts = regions.map((own) => {
            const entries = Object.entries(own)
              .map(([text, weight]) => ({ code: encodeValue(text), weight, error: 0 }))
              .sort((a, b) => b.weight - a.weight || (a.code < b.code ? -1 : 1));
            return packTop({ entries: entries.slice(0, k), unlisted: entries[k]?.weight ?? 0 });
          });
          const { entries, unlisted } = readTop(mergeTops(parts), "top");
          const listed = new Map(entries.map((entry) => [decodeValue(entry.code), entry]));
          for (const text of NAMES) {
            const truth = regions.reduce((sum, own) => sum + (own[text] ?? 0), 0);
            const entry = listed.get(text);
            if (entry === undefined) {
              expect(truth).toBeLessThanOrEqual(unlisted);
            } else {
              expect(truth).toBeGreaterThanOrEqual(entry.weight);
              expect(truth).toBeLessThanOrEqual(entry.weight + entry.error);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    [packTop({ entries: [], unlisted: 1 }), "heavier than one of its own"],
    [
      packTop({ entries: [{ code: encodeValue("a"), weight: 1, error: 1 }], unlisted: 0 }),
      "isn't exact",
    ],
    [
      packTop({ entries: [{ code: encodeValue("a"), weight: 1, error: 0 }], unlisted: 2 }),
      "heavier",
    ],
    [
      packTop({
        entries: ["a", "a"].map((text) => ({ code: encodeValue(text), weight: 1, error: 0 })),
        unlisted: 0,
      }),
      "out of order",
    ],
    [
      packTop({
        entries: [2, 1].map((weight) => ({ code: encodeValue("a"), weight, error: 0 })),
        unlisted: 0,
      }),
      "has a value twice",
    ],
    [
      packTop({
        entries: Array.from({ length: 129 }, (_, i) => ({
          code: encodeValue(i),
          weight: 1,
          error: 0,
        })),
        unlisted: 0,
      }),
      "has more than 128 values",
    ],
  ])("of a peer is refused: %j", (packed, reason) => {
    expect(() => PACKED.top.check(packed, "cell")).toThrow(reason);
  });
});
