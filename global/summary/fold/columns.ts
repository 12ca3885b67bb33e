import type { Expression } from "../cel/expression.js";
import type { Measure, SummaryDefinition } from "../definition/definition.js";

/**
 * What a row keeps of a record for its measures: the number itself; one that can't be
 * negative; which HyperLogLog register the value raises; the value; or the value behind
 * what `latest` chooses by.
 */
export type Keeps = "number" | "weight" | "register" | "value" | "dated";

/** Something that rows keep, for one or more measures. */
export interface Column {
  readonly keeps: Keeps;
  readonly field: string;
  readonly of: Expression;
  /** What a dated value is chosen by; undefined for the record's mod revision. */
  readonly by: Expression | undefined;
}

/** Which columns the rows of a definition have, and which measures they are of. */
export interface ColumnPlan {
  readonly columns: readonly Column[];
  /** For each measure its column; -1 where it has none. */
  readonly columnOf: readonly number[];
  /** For each measure the column of its weight; -1 where it has none. */
  readonly weightOf: readonly number[];
  /** The columns that keep values, which rows have by their number in a table. */
  readonly valueColumns: readonly number[];
}

/** Plans the columns; measures that keep the same share one. */
export function planColumns({ measures }: SummaryDefinition): ColumnPlan {
  const columns: Column[] = [];
  const place = (column: Column): number => {
    const found = columns.findIndex((own) => sameContent(own, column));
    return found >= 0 ? found : columns.push(column) - 1;
  };
  const columnOf = measures.map((measure) => {
    const { name, of, by, kind } = measure;
    if (of === undefined) return -1;
    const keeps = keptBy(measure);
    const chosenBy = kind === "latest" ? by : undefined;
    return place({ keeps, field: `measures.${name}`, of, by: chosenBy });
  });
  const weightOf = measures.map(({ name, by, kind }) => {
    if (kind !== "top" || by === undefined) return -1;
    return place({ keeps: "weight", field: `measures.${name}`, of: by, by: undefined });
  });
  const valueColumns = columns.flatMap(({ keeps }, at) => (isValue(keeps) ? [at] : []));
  return { columns, columnOf, weightOf, valueColumns };
}

function keptBy({ kind }: Measure): Keeps {
  switch (kind) {
    case "distinct":
      return "register";
    case "any":
    case "set":
    case "top":
      return "value";
    case "latest":
      return "dated";
    default:
      return "number";
  }
}

function isValue(keeps: Keeps): boolean {
  return keeps === "value" || keeps === "dated";
}

function sameContent(a: Column, b: Column): boolean {
  return a.keeps === b.keeps && a.of.text === b.of.text && a.by?.text === b.by?.text;
}
