import type { Cell } from "../../digest/cell.js";
import type { ValueCode } from "../../digest/values/value-code.js";
import { packSet } from "../../digest/values/value-set.js";
import { FirstFew } from "./first-few.js";
import type { ValueTable } from "./value-table.js";

const byCode = (a: ValueCode, b: ValueCode): number => (a < b ? -1 : a > b ? 1 : 0);

/** The different values of a group with their copies, and the first of them in an order. */
class CountedValues {
  readonly #table: ValueTable;
  readonly #copies = new Map<number, number>();
  readonly #first: FirstFew<ValueCode>;

  constructor(table: ValueTable, few: number, order: (a: ValueCode, b: ValueCode) => number) {
    this.#table = table;
    this.#first = new FirstFew(few, order, () => this.#codes());
  }

  get size(): number {
    return this.#copies.size;
  }

  /** True when the value is new. */
  add(number: number): boolean {
    const copies = this.#copies.get(number) ?? 0;
    this.#copies.set(number, copies + 1);
    if (copies > 0) return false;
    this.#first.insert(this.#table.code(number));
    return true;
  }

  /** True when the value's last copy went. */
  remove(number: number): boolean {
    const copies = this.#copies.get(number) ?? 0;
    if (copies === 0) throw new Error(`invariant violated: there is no value ${number}`);
    if (copies > 1) {
      this.#copies.set(number, copies - 1);
      return false;
    }
    this.#copies.delete(number);
    this.#first.remove(this.#table.code(number));
    return true;
  }

  first(): ValueCode[] {
    return this.#first.first();
  }

  *#codes(): Generator<ValueCode> {
    for (const number of this.#copies.keys()) yield this.#table.code(number);
  }
}

/** The greatest of a group's values, for `any`, or of its dated ones, for `latest`. */
export class GreatestAccumulator {
  readonly #kind: "any" | "latest";
  readonly #values: CountedValues;

  constructor(kind: "any" | "latest", table: ValueTable) {
    this.#kind = kind;
    this.#values = new CountedValues(table, 1, (a, b) => byCode(b, a));
  }

  add(number: number): void {
    this.#values.add(number);
  }

  remove(number: number): void {
    this.#values.remove(number);
  }

  cell(): Cell {
    return { kind: this.#kind, packed: this.#values.first()[0] as ValueCode };
  }
}

/** The least values of a group; how many, and whether there are more. */
export class SetAccumulator {
  readonly #limit: number;
  readonly #values: CountedValues;
  /** The cell while the set is the same. */
  #cell: Cell | undefined;

  constructor(limit: number, table: ValueTable) {
    this.#limit = limit;
    this.#values = new CountedValues(table, limit, byCode);
  }

  add(number: number): void {
    if (this.#values.add(number)) this.#cell = undefined;
  }

  remove(number: number): void {
    if (this.#values.remove(number)) this.#cell = undefined;
  }

  cell(): Cell {
    const truncated = this.#values.size > this.#limit;
    this.#cell ??= { kind: "set", packed: packSet({ codes: this.#values.first(), truncated }) };
    return this.#cell;
  }
}
