import * as fc from "fast-check";
import type { Cell, GroupKey, MeasureKind } from "../../../global/digest/cell.js";
import { SCHEMA } from "./model.js";
import { bins, registers } from "./sketch/arbitrary.js";
import { codes, dated, sets, tops } from "./values/arbitrary.js";

/** Any cell of a kind. */
export const cell = (kind: MeasureKind): fc.Arbitrary<Cell> => {
  switch (kind) {
    case "count":
      return fc.maxSafeNat().map((count) => ({ kind, count }));
    case "sum":
      return fc
        .bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })
        .map((scaled) => ({ kind, scaled }));
    case "min":
    case "max":
      return fc
        .option(fc.double({ noNaN: true, noDefaultInfinity: true }), { nil: undefined })
        .map((value) => ({ kind, value: value === undefined ? undefined : value + 0 }));
    case "distinct":
      return registers.map((packed) => ({ kind, packed }));
    case "quantiles":
      return bins.map((packed) => ({ kind, packed }));
    case "any":
      return codes.map((packed) => ({ kind, packed }));
    case "latest":
      return dated.map((packed) => ({ kind, packed }));
    case "set":
      return sets.map((packed) => ({ kind, packed }));
    case "top":
      return tops.map((packed) => ({ kind, packed }));
  }
};

/** Canonical group keys of any values. */
export const key: fc.Arbitrary<GroupKey> = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    ),
    { maxLength: 3 },
  )
  .map((values) => JSON.stringify(values));

/** Cells of all of SCHEMA's measures. */
export const row = fc.tuple(...SCHEMA.measures.map(({ kind }) => cell(kind)));
