import type { ValueCode } from "../../digest/values/value-code.js";
import type { Account, Costs } from "./memory.js";
import type { RowTable } from "./rows.js";
import { ValueTable } from "./value-table.js";

/** The values that a fold's rows keep, by number in some of their columns. */
export class KeptValues {
  readonly table = new ValueTable();
  readonly #columns: readonly number[];
  readonly #costs: Costs;
  readonly #account: Account;

  /** `columns` are those of a row that hold numbers of values. */
  constructor(columns: readonly number[], costs: Costs, account: Account) {
    this.#columns = columns;
    this.#costs = costs;
    this.#account = account;
  }

  /** Puts the numbers of a record's values where its row would have them; -1 for new ones. */
  find(codes: readonly ValueCode[], into: Float64Array): void {
    for (const column of this.#columns) into[column] = this.table.find(codes[column] as ValueCode);
  }

  /** Takes a record's values for its row; false when there is no memory for them. */
  take(codes: readonly ValueCode[], into: Float64Array): boolean {
    for (const column of this.#columns) {
      const code = codes[column] as ValueCode;
      const isNew = this.table.find(code) < 0;
      if (isNew && !this.#account.take(this.#costs.value(code))) return false;
      into[column] = this.table.take(code);
    }
    return true;
  }

  /** A row no longer keeps its values. */
  release(rows: RowTable, slot: number): void {
    for (const column of this.#columns) {
      const number = rows.value(slot, column);
      const code = this.table.code(number);
      if (this.table.release(number)) this.#account.give(this.#costs.value(code));
    }
  }
}
