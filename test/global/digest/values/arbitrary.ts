import * as fc from "fast-check";
import { encodeDated } from "../../../../global/digest/values/chosen.js";
import { compareWeighed, packTop } from "../../../../global/digest/values/top.js";
import { encodeValue, type Value } from "../../../../global/digest/values/value-code.js";
import { packSet } from "../../../../global/digest/values/value-set.js";

const number = fc.double({ noNaN: true, noDefaultInfinity: true });

/** Plain values; few of them, so that they meet again, and any. */
export const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(false, true, 0, 1, -1, "", "1", "a", "b", "é"),
  number,
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

export const codes: fc.Arbitrary<string> = value.map(encodeValue);

export const dated: fc.Arbitrary<string> = fc
  .tuple(fc.oneof(fc.integer({ min: -3, max: 3 }), number), codes)
  .map(([order, code]) => encodeDated(order, code));

/** Packed sets of at most eight values. */
export const sets: fc.Arbitrary<string> = fc
  .record({ all: fc.uniqueArray(codes, { maxLength: 8 }), truncated: fc.boolean() })
  .map(({ all, truncated }) => packSet({ codes: [...all].sort(), truncated }));

/** Packed tops as a region has them. */
export const tops: fc.Arbitrary<string> = fc
  .record({
    all: fc.uniqueArray(fc.tuple(codes, fc.nat(50)), { selector: ([code]) => code, maxLength: 8 }),
    share: fc.nat(50),
  })
  .map(({ all, share }) => {
    const entries = all.map(([code, weight]) => ({ code, weight, error: 0 })).sort(compareWeighed);
    return packTop({ entries, unlisted: Math.min(share, entries.at(-1)?.weight ?? 0) });
  });
