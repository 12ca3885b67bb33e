import type { BinaryKey } from "../../shared/bytes.js";
import { type Interval, IntervalTree } from "./interval-tree.js";
import type { Watcher, WatchRange } from "./watcher.js";

type Watchers = Set<Watcher>;

/**
 * Finds the watchers of a key: those of single keys by a map, those of ranges by an
 * interval tree, in which watchers of equal ranges share a place.
 */
export class WatcherIndex {
  readonly #single = new Map<BinaryKey, Watchers>();
  readonly #ranges = new Map<string, Interval<Watchers>>();
  readonly #tree = new IntervalTree<Watchers>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(watcher: Watcher): boolean {
    const { from, end } = watcher.range;
    const watchers =
      end === undefined
        ? this.#single.get(from)
        : this.#ranges.get(rangeName(watcher.range))?.value;
    return watchers?.has(watcher) ?? false;
  }

  add(watcher: Watcher): void {
    this.#size++;
    const { from, end } = watcher.range;
    if (end === undefined) {
      const watchers = this.#single.get(from);
      if (watchers === undefined) this.#single.set(from, new Set([watcher]));
      else watchers.add(watcher);
      return;
    }
    const name = rangeName(watcher.range);
    const range = this.#ranges.get(name);
    if (range === undefined) {
      this.#ranges.set(name, this.#tree.add(from, end, new Set([watcher])));
    } else {
      range.value.add(watcher);
    }
  }

  /** Takes out a watcher that is there. */
  delete(watcher: Watcher): void {
    this.#size--;
    const { from, end } = watcher.range;
    if (end === undefined) {
      const watchers = this.#single.get(from);
      watchers?.delete(watcher);
      if (watchers?.size === 0) this.#single.delete(from);
      return;
    }
    const name = rangeName(watcher.range);
    const range = this.#ranges.get(name);
    range?.value.delete(watcher);
    if (range?.value.size === 0) {
      this.#ranges.delete(name);
      this.#tree.remove(range);
    }
  }

  /** All watchers, in no particular order. */
  *all(): IterableIterator<Watcher> {
    for (const watchers of this.#single.values()) yield* watchers;
    for (const range of this.#ranges.values()) yield* range.value;
  }

  /** Calls `visit` with each watcher whose range holds the key. */
  visit(key: BinaryKey, visit: (watcher: Watcher) => void): void {
    const single = this.#single.get(key);
    if (single !== undefined) for (const watcher of single) visit(watcher);
    if (this.#ranges.size === 0) return;
    this.#tree.search(key, (watchers) => {
      for (const watcher of watchers) visit(watcher);
    });
  }
}

function rangeName({ from, end }: WatchRange): string {
  return `${from.length}:${from}${end ?? ""}`;
}
