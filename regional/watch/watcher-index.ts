import type { BinaryKey } from "../../shared/bytes.js";
import type { Watcher, WatchRange } from "./watcher.js";

/** Watchers of one and the same range. */
interface RangeGroup {
  readonly from: BinaryKey;
  /** "\0": without an end. */
  readonly end: BinaryKey;
  readonly watchers: Set<Watcher>;
  /** Of this group and all below it in the tree: the furthest end. */
  furthest: BinaryKey;
}

const NO_END = "\0";

function reachesBeyond(end: BinaryKey, key: BinaryKey): boolean {
  return end === NO_END || end > key;
}

function further(a: BinaryKey, b: BinaryKey): BinaryKey {
  if (a === NO_END || b === NO_END) return NO_END;
  return a > b ? a : b;
}

/**
 * Finds the watchers of a key: those of single keys by a map, those of ranges by an
 * interval tree. The tree is an array in order of start, the middle of each part being
 * its root, with the furthest end of each part at its root; it is laid out again when the
 * set of distinct ranges has changed, which watchers of equal ranges don't do.
 */
export class WatcherIndex {
  readonly #single = new Map<BinaryKey, Set<Watcher>>();
  readonly #groups = new Map<string, RangeGroup>();
  #tree: RangeGroup[] | undefined = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(watcher: Watcher): boolean {
    const { from, end } = watcher.range;
    const watchers =
      end === undefined
        ? this.#single.get(from)
        : this.#groups.get(groupName(watcher.range))?.watchers;
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
    const name = groupName(watcher.range);
    const group = this.#groups.get(name);
    if (group === undefined) {
      this.#groups.set(name, { from, end, watchers: new Set([watcher]), furthest: end });
      this.#tree = undefined;
    } else {
      group.watchers.add(watcher);
    }
  }

  delete(watcher: Watcher): void {
    this.#size--;
    const { from, end } = watcher.range;
    if (end === undefined) {
      const watchers = this.#single.get(from);
      watchers?.delete(watcher);
      if (watchers?.size === 0) this.#single.delete(from);
      return;
    }
    const name = groupName(watcher.range);
    const group = this.#groups.get(name);
    group?.watchers.delete(watcher);
    if (group?.watchers.size === 0) {
      this.#groups.delete(name);
      this.#tree = undefined;
    }
  }

  /** All watchers, in no particular order. */
  *all(): IterableIterator<Watcher> {
    for (const watchers of this.#single.values()) yield* watchers;
    for (const group of this.#groups.values()) yield* group.watchers;
  }

  /** Calls `visit` with each watcher whose range holds the key. */
  visit(key: BinaryKey, visit: (watcher: Watcher) => void): void {
    const single = this.#single.get(key);
    if (single !== undefined) for (const watcher of single) visit(watcher);
    if (this.#groups.size === 0) return;
    this.#tree ??= this.#layOut();
    this.#visitPart(this.#tree, 0, this.#tree.length, key, visit);
  }

  #visitPart(
    tree: readonly RangeGroup[],
    low: number,
    high: number,
    key: BinaryKey,
    visit: (watcher: Watcher) => void,
  ): void {
    if (low >= high) return;
    const middle = (low + high) >>> 1;
    const group = tree[middle] as RangeGroup;
    if (!reachesBeyond(group.furthest, key)) return;
    this.#visitPart(tree, low, middle, key, visit);
    if (group.from > key) return;
    if (reachesBeyond(group.end, key)) for (const watcher of group.watchers) visit(watcher);
    this.#visitPart(tree, middle + 1, high, key, visit);
  }

  #layOut(): RangeGroup[] {
    const tree = [...this.#groups.values()].sort((a, b) =>
      a.from < b.from ? -1 : a.from > b.from ? 1 : 0,
    );
    const settle = (low: number, high: number): BinaryKey | undefined => {
      if (low >= high) return undefined;
      const middle = (low + high) >>> 1;
      const group = tree[middle] as RangeGroup;
      const left = settle(low, middle);
      const right = settle(middle + 1, high);
      group.furthest = group.end;
      if (left !== undefined) group.furthest = further(group.furthest, left);
      if (right !== undefined) group.furthest = further(group.furthest, right);
      return group.furthest;
    };
    settle(0, tree.length);
    return tree;
  }
}

function groupName({ from, end }: WatchRange): string {
  return `${from.length}:${from}${end ?? ""}`;
}
