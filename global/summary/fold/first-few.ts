/** Items that are kept in order beyond those that are asked for, in multiples of them. */
const KEPT_AFTER_REFILL = 2;
const KEPT_AT_MOST = 4;
const LEAST_KEPT = 8;

/**
 * The first few of many distinct items in an order, as items come and go. Only a window
 * of the first ones is kept in order: what comes after its bound is passed over, and
 * when so many have gone that too few are left, the window is filled again from all
 * items. So a step costs O(log few), and a walk over all comes at most once in as many
 * removals as were asked for.
 */
export class FirstFew<T> {
  readonly #few: number;
  readonly #compare: (a: T, b: T) => number;
  readonly #all: () => Iterable<T>;
  #window: T[] = [];
  /** Items after it aren't in the window; undefined when all are. */
  #bound: T | undefined;

  /** `all` gives every item that there is at the time, in any order. */
  constructor(few: number, compare: (a: T, b: T) => number, all: () => Iterable<T>) {
    this.#few = few;
    this.#compare = compare;
    this.#all = all;
  }

  /** An item came. */
  insert(item: T): void {
    if (this.#isBeyond(item)) return;
    this.#window.splice(this.#find(item), 0, item);
    const most = Math.max(LEAST_KEPT, KEPT_AT_MOST * this.#few);
    if (this.#window.length > most) this.#cut(Math.max(LEAST_KEPT, KEPT_AFTER_REFILL * this.#few));
  }

  /** An item went. */
  remove(item: T): void {
    if (this.#isBeyond(item)) return;
    const at = this.#find(item);
    const found = this.#window[at];
    if (found === undefined || this.#compare(found, item) !== 0) {
      throw new Error("invariant violated: what goes was never there");
    }
    this.#window.splice(at, 1);
  }

  /** The first items in order, as many as are asked for or there are. */
  first(): T[] {
    if (this.#window.length < this.#few && this.#bound !== undefined) this.#refill();
    return this.#window.slice(0, this.#few);
  }

  #isBeyond(item: T): boolean {
    return this.#bound !== undefined && this.#compare(item, this.#bound) > 0;
  }

  #refill(): void {
    this.#window = [];
    this.#bound = undefined;
    for (const item of this.#all()) this.insert(item);
  }

  #cut(length: number): void {
    this.#window.length = length;
    this.#bound = this.#window[length - 1] as T;
  }

  /** Where an item is in the window, or would be. */
  #find(item: T): number {
    let low = 0;
    let high = this.#window.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#window[middle] as T, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
