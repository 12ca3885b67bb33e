import type { BinaryKey } from "../../shared/bytes.js";
import type { KeyHistory } from "./key-history.js";

/** Most keys of a leaf. Measured: 256 and 512 were the fastest, at 10^3 to 10^6 keys. */
const LEAF_KEYS = 256;

/** A run of neighbouring keys. */
interface Leaf {
  readonly entries: KeyHistory[];
  /** How many of them exist at the current revision. */
  live: number;
}

function keyOf(entry: KeyHistory): BinaryKey {
  return entry.latest.key;
}

/** First position in a leaf whose key is >= key. */
function lowerBound(entries: readonly KeyHistory[], key: BinaryKey): number {
  let low = 0;
  let high = entries.length;
  // Keys often come in order: try the end first.
  if (high > 0 && keyOf(entries[high - 1] as KeyHistory) < key) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(entries[middle] as KeyHistory) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The keys in order: a list of leaves, each a sorted array, found by binary search over
 * the leaves' first keys. Counts live keys by leaf, so that the count of a range costs
 * its leaves, not its keys.
 *
 * A range is [from, to); `to` undefined means to the end.
 */
export class OrderedIndex {
  readonly #leaves: Leaf[] = [{ entries: [], live: 0 }];
  /** No key of leaf i is below #bounds[i]; all of leaf i - 1 are. */
  readonly #bounds: BinaryKey[] = [""];

  /** Adds an entry whose key is not there. It counts as live. */
  insert(entry: KeyHistory): void {
    const key = keyOf(entry);
    const at = this.#find(key);
    const leaf = this.#leaf(at);
    const { entries } = leaf;
    const position = lowerBound(entries, key);
    if (position === entries.length) entries.push(entry);
    else entries.splice(position, 0, entry);
    leaf.live++;
    if (entries.length > LEAF_KEYS) this.#split(at, position === entries.length - 1);
  }

  /** Removes the entry of a key; it must not be live. */
  remove(key: BinaryKey): void {
    const at = this.#find(key);
    const { entries } = this.#leaf(at);
    const position = lowerBound(entries, key);
    const entry = entries[position];
    if (entry === undefined || keyOf(entry) !== key) return;
    entries.splice(position, 1);
    if (entries.length < LEAF_KEYS / 4) this.#join(at);
  }

  /** Says that an entry that is there came to life (1) or ended (-1). */
  adjustLive(key: BinaryKey, by: 1 | -1): void {
    this.#leaf(this.#find(key)).live += by;
  }

  /** Keys of the range that exist at the current revision. */
  countLive(from: BinaryKey, to: BinaryKey | undefined): number {
    if (to !== undefined && to <= from) return 0;
    let at = this.#find(from);
    const last = to === undefined ? this.#leaves.length : this.#find(to);
    if (at === last) return this.#countPart(at, from, to);
    let count = this.#countPart(at, from, undefined);
    for (at++; at < last; at++) count += this.#leaf(at).live;
    return to === undefined ? count : count + this.#countPart(last, from, to);
  }

  /** Visits the entries of a range in order until `visit` returns false. */
  scan(from: BinaryKey, to: BinaryKey | undefined, visit: (entry: KeyHistory) => boolean): void {
    let at = this.#find(from);
    let position = lowerBound(this.#leaf(at).entries, from);
    for (; at < this.#leaves.length; at++) {
      const { entries } = this.#leaf(at);
      for (; position < entries.length; position++) {
        const entry = entries[position] as KeyHistory;
        if ((to !== undefined && keyOf(entry) >= to) || !visit(entry)) return;
      }
      position = 0;
    }
  }

  #leaf(at: number): Leaf {
    return this.#leaves[at] as Leaf;
  }

  /** The leaf in which a key is or would be. */
  #find(key: BinaryKey): number {
    const bounds = this.#bounds;
    let low = 1;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle] as BinaryKey) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #countPart(at: number, from: BinaryKey, to: BinaryKey | undefined): number {
    const { entries } = this.#leaf(at);
    const end = to === undefined ? entries.length : lowerBound(entries, to);
    let count = 0;
    for (let i = lowerBound(entries, from); i < end; i++) {
      if ((entries[i] as KeyHistory).latest.version > 0) count++;
    }
    return count;
  }

  #split(at: number, appended: boolean): void {
    const leaf = this.#leaf(at);
    // Keys that come in order leave full leaves behind.
    const last = appended && at === this.#leaves.length - 1;
    const entries = leaf.entries.splice(last ? LEAF_KEYS : LEAF_KEYS >> 1);
    let live = 0;
    for (const entry of entries) if (entry.latest.version > 0) live++;
    leaf.live -= live;
    this.#leaves.splice(at + 1, 0, { entries, live });
    this.#bounds.splice(at + 1, 0, keyOf(entries[0] as KeyHistory));
  }

  /** Joins a small leaf to the one before it when both fit. */
  #join(at: number): void {
    const leaf = this.#leaf(at);
    const before = this.#leaves[at - 1];
    if (before === undefined) return;
    const together = before.entries.length + leaf.entries.length;
    if (leaf.entries.length > 0 && together > LEAF_KEYS / 2) return;
    for (const entry of leaf.entries) before.entries.push(entry);
    before.live += leaf.live;
    this.#leaves.splice(at, 1);
    this.#bounds.splice(at, 1);
  }
}
