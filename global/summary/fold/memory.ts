import type { BinaryKey } from "../../../shared/bytes.js";
import type { GroupKey, MeasureKind } from "../../digest/cell.js";
import type { ValueCode } from "../../digest/values/value-code.js";
import type { SummaryDefinition } from "../definition/definition.js";
import { planColumns } from "./columns.js";

const MIB = 1024 * 1024;

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

  /** The limit for people. */
  get limitText(): string {
    return this.limit < MIB ? `${this.limit} bytes` : `${Math.floor(this.limit / MIB)} MiB`;
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

/** What one fold has of a budget. */
export class Account {
  readonly #budget: MemoryBudget;
  #bytes = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Takes so many bytes; false when there is no room for them. */
  take(bytes: number): boolean {
    if (!this.#budget.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#budget.give(bytes);
  }

  /** Gives all back. */
  clear(): void {
    this.give(this.#bytes);
  }
}

/** Bytes that one measure takes: in a group, and for each of its rows (measured, rounded up). */
const MEASURE_BYTES: Readonly<Record<MeasureKind, { group: number; row: number }>> = {
  count: { group: 0, row: 0 },
  sum: { group: 100, row: 0 },
  min: { group: 320, row: 72 },
  max: { group: 320, row: 72 },
  distinct: { group: 380, row: 32 },
  quantiles: { group: 380, row: 16 },
  any: { group: 600, row: 48 },
  latest: { group: 600, row: 48 },
  set: { group: 800, row: 48 },
  top: { group: 600, row: 200 },
};
const GROUP_BYTES = 180;
/** An entry in the map of keys, and the row's group. */
const ROW_BYTES = 60;
/** A number in a row. */
const COLUMN_BYTES = 10;
/** An entry in the table of values. */
const VALUE_BYTES = 84;

/** What the parts of one definition's fold take, as far as its rows and values decide. */
export class Costs {
  #row: number;
  #group: number;

  constructor(definition: SummaryDefinition) {
    const columns = planColumns(definition).columns.length;
    this.#row = ROW_BYTES + columns * COLUMN_BYTES;
    this.#group = GROUP_BYTES;
    for (const { kind } of definition.measures) {
      this.#row += MEASURE_BYTES[kind].row;
      this.#group += MEASURE_BYTES[kind].group;
    }
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
