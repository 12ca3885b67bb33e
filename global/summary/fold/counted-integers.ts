/**
 * A multiset of integers as two parallel lists in ascending order: each integer that is
 * in it, and its copies. Finding one takes O(log n), a new one moves what is behind it;
 * meant for up to some thousands of different integers.
 */
export class CountedIntegers {
  readonly #values: number[] = [];
  readonly #copies: number[] = [];

  /** Different integers. */
  get size(): number {
    return this.#values.length;
  }

  /** The integers, ascending. To be read before the next change. */
  get values(): readonly number[] {
    return this.#values;
  }

  /** The copies of each. */
  get copies(): readonly number[] {
    return this.#copies;
  }

  add(value: number, copies = 1): void {
    const at = this.#find(value);
    if (this.#values[at] === value) {
      this.#copies[at] = (this.#copies[at] as number) + copies;
      return;
    }
    this.#values.splice(at, 0, value);
    this.#copies.splice(at, 0, copies);
  }

  remove(value: number): void {
    const at = this.#find(value);
    if (this.#values[at] !== value) throw new Error(`invariant violated: there is no ${value}`);
    const copies = (this.#copies[at] as number) - 1;
    this.#copies[at] = copies;
    if (copies > 0) return;
    this.#values.splice(at, 1);
    this.#copies.splice(at, 1);
  }

  /** Where an integer is, or would be. */
  #find(value: number): number {
    const values = this.#values;
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((values[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
