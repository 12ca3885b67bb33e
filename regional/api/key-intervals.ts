import type { BinaryKey } from "../../shared/bytes.js";

/**
 * A set of keys made of half-open intervals, kept disjoint and in order, so that a
 * transaction of many deletes is checked in n log n.
 */
export class KeyIntervals {
  readonly #starts: BinaryKey[] = [];
  readonly #ends: BinaryKey[] = [];

  /** First interval that ends at or after `key`. */
  #firstEndingAt(key: BinaryKey): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as BinaryKey) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(start: BinaryKey, end: BinaryKey): void {
    if (start >= end) return;
    const first = this.#firstEndingAt(start);
    let after = first;
    let from = start;
    let to = end;
    while (after < this.#starts.length && (this.#starts[after] as BinaryKey) <= end) {
      const otherStart = this.#starts[after] as BinaryKey;
      const otherEnd = this.#ends[after] as BinaryKey;
      if (otherStart < from) from = otherStart;
      if (otherEnd > to) to = otherEnd;
      after += 1;
    }
    this.#starts.splice(first, after - first, from);
    this.#ends.splice(first, after - first, to);
  }

  /**
   * Adds what a delete of (key, rangeEnd) covers as etcd's check sees it: an end at or
   * before the key covers nothing, and so does "\0", although the delete itself takes
   * that for "to the end".
   */
  addRange(key: BinaryKey, rangeEnd: BinaryKey): void {
    this.#insert(key, rangeEnd === "" ? `${key}\0` : rangeEnd);
  }

  /** Adds all keys of another set. */
  addAll(other: KeyIntervals): void {
    for (let i = 0; i < other.#starts.length; i++) {
      this.#insert(other.#starts[i] as BinaryKey, other.#ends[i] as BinaryKey);
    }
  }

  has(key: BinaryKey): boolean {
    let at = this.#firstEndingAt(key);
    if (this.#ends[at] === key) at += 1;
    const start = this.#starts[at];
    return start !== undefined && start <= key;
  }
}
