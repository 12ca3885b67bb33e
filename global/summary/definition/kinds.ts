import type { MeasureKind } from "../../digest/cell.js";
import type { IntegerOption } from "./options.js";

/** What an expression of a measure gives: finite numbers, or text, numbers and bools alike. */
export type Taken = "numbers" | "scalars";

/** How the measures of one kind are written. */
export interface KindRule {
  readonly form: string;
  /** What its first expression gives; undefined when it has none. */
  readonly takes: Taken | undefined;
  /** Its option that is a second expression, of numbers. */
  readonly by?: string;
  /** Its options that are whole numbers: what its scale, and what its limit is called. */
  readonly scale?: IntegerOption;
  readonly limit?: IntegerOption;
}

/** Every kind of measure. */
export const KINDS: Readonly<Record<MeasureKind, KindRule>> = {
  count: { form: "count()", takes: undefined },
  sum: {
    form: "sum(EXPRESSION) or sum(EXPRESSION, scale=DIGITS)",
    takes: "numbers",
    scale: "scale",
  },
  min: { form: "min(EXPRESSION)", takes: "numbers" },
  max: { form: "max(EXPRESSION)", takes: "numbers" },
  distinct: { form: "distinct(EXPRESSION)", takes: "scalars" },
  quantiles: { form: "quantiles(EXPRESSION)", takes: "numbers" },
  any: { form: "any(EXPRESSION)", takes: "scalars" },
  latest: {
    form: "latest(EXPRESSION) or latest(EXPRESSION, by=EXPRESSION)",
    takes: "scalars",
    by: "by",
  },
  set: {
    form: "set(EXPRESSION) or set(EXPRESSION, limit=NUMBER)",
    takes: "scalars",
    limit: "limit",
  },
  top: {
    form: "top(EXPRESSION, k=NUMBER) or top(EXPRESSION, k=NUMBER, weight=EXPRESSION, scale=DIGITS)",
    takes: "scalars",
    by: "weight",
    scale: "scale",
    limit: "k",
  },
};
