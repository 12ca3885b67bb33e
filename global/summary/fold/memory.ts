import type { BinaryKey } from "../../../shared/bytes.js";
import type { GroupKey, MeasureKind } from "../../digest/cell.js";
import type { ValueCode } from "../../digest/values/value-code.js";
import type { SummaryDefinition } from "../definition/definition.js";
import { planColumns } from "./columns.js";

/** Bytes that several folds may take together. */
export class MemoryBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes so many bytes; false when there is no room for them. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Bytes that a row adds to what a group keeps of one measure, at most (measured). */
const MEASURE_ROW_BYTES: Readonly<Record<MeasureKind, number>> = {
  count: 0,
  sum: 0,
  min: 48,
  max: 48,
  distinct: 40,
  quantiles: 16,
  any: 40,
  latest: 40,
  set: 40,
  top: 160,
};
/** Bytes of a measure of a group that has no rows yet. */
const MEASURE_GROUP_BYTES = 160;
/** An entry in the map of keys, and the row's group. */
const ROW_BYTES = 52;
/** A number in a row. */
const COLUMN_BYTES = 8;
/** An entry in the table of values. */
const VALUE_BYTES = 72;
const GROUP_BYTES = 240;

/** What the parts of one definition's fold take, as far as its rows and values decide. */
export class Costs {
  readonly #row: number;
  readonly #group: number;

  constructor(definition: SummaryDefinition) {
    const { measures } = definition;
    const perMeasure = measures.reduce((sum, { kind }) => sum + MEASURE_ROW_BYTES[kind], 0);
    this.#row = ROW_BYTES + planColumns(definition).columns.length * COLUMN_BYTES + perMeasure;
    this.#group = GROUP_BYTES + measures.length * MEASURE_GROUP_BYTES;
  }

  row(key: BinaryKey): number {
    return this.#row + key.length;
  }

  group(key: GroupKey): number {
    return this.#group + key.length;
  }

  value(code: ValueCode): number {
    return VALUE_BYTES + code.length;
  }
}
