import type { BinaryKey } from "../../../shared/bytes.js";

const FIRST_CAPACITY = 64;

/**
 * One row a key: a group's number and some doubles, in columns of typed arrays. A
 * row costs 4 bytes and 8 a column, beside its entry in the map of keys.
 */
export class RowTable {
  readonly #slots = new Map<BinaryKey, number>();
  readonly #columnCount: number;
  readonly #free: number[] = [];
  #capacity = 0;
  #groups = new Uint32Array(0);
  #columns: Float64Array[];

  constructor(columnCount: number) {
    this.#columnCount = columnCount;
    this.#columns = Array.from({ length: columnCount }, () => new Float64Array(0));
  }

  get size(): number {
    return this.#slots.size;
  }

  /** A key's slot, or undefined. */
  find(key: BinaryKey): number | undefined {
    return this.#slots.get(key);
  }

  /** Makes a slot for a key that has none. */
  insert(key: BinaryKey): number {
    const slot = this.#free.pop() ?? this.#slots.size;
    if (slot >= this.#capacity) this.#grow();
    this.#slots.set(key, slot);
    return slot;
  }

  delete(key: BinaryKey, slot: number): void {
    this.#slots.delete(key);
    this.#free.push(slot);
  }

  group(slot: number): number {
    return this.#groups[slot] as number;
  }

  value(slot: number, column: number): number {
    return (this.#columns[column] as Float64Array)[slot] as number;
  }

  /** Fills a slot. `values` has one for each column. */
  set(slot: number, group: number, values: Float64Array): void {
    this.#groups[slot] = group;
    for (let column = 0; column < this.#columnCount; column++) {
      (this.#columns[column] as Float64Array)[slot] = values[column] as number;
    }
  }

  /** Whether a slot holds just that. */
  equals(slot: number, group: number, values: Float64Array): boolean {
    if (this.#groups[slot] !== group) return false;
    for (let column = 0; column < this.#columnCount; column++) {
      if ((this.#columns[column] as Float64Array)[slot] !== values[column]) return false;
    }
    return true;
  }

  #grow(): void {
    this.#capacity = Math.max(FIRST_CAPACITY, this.#capacity * 2);
    const groups = new Uint32Array(this.#capacity);
    groups.set(this.#groups);
    this.#groups = groups;
    this.#columns = this.#columns.map((old) => {
      const column = new Float64Array(this.#capacity);
      column.set(old);
      return column;
    });
  }
}
