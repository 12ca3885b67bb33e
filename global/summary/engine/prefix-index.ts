import type { BinaryKey } from "../../../shared/bytes.js";

/**
 * Finds what is interested in a key, among prefixes: one look-up for each distinct
 * length of prefix, however many there are.
 */
export class PrefixIndex<T> {
  readonly #byLength: [length: number, byPrefix: Map<BinaryKey, T[]>][] = [];

  add(prefix: BinaryKey, target: T): void {
    let entry = this.#byLength.find(([length]) => length === prefix.length);
    if (entry === undefined) {
      entry = [prefix.length, new Map()];
      this.#byLength.push(entry);
    }
    const targets = entry[1].get(prefix);
    if (targets === undefined) entry[1].set(prefix, [target]);
    else targets.push(target);
  }

  remove(prefix: BinaryKey, target: T): void {
    const at = this.#byLength.findIndex(([length]) => length === prefix.length);
    const byPrefix = this.#byLength[at]?.[1];
    const left = byPrefix?.get(prefix)?.filter((each) => each !== target);
    if (byPrefix === undefined || left === undefined) return;
    if (left.length > 0) byPrefix.set(prefix, left);
    else byPrefix.delete(prefix);
    if (byPrefix.size === 0) this.#byLength.splice(at, 1);
  }

  /** The targets of all prefixes of a key. */
  matching(key: BinaryKey): readonly T[] {
    let found: readonly T[] | undefined;
    for (const [length, byPrefix] of this.#byLength) {
      if (key.length < length) continue;
      const targets = byPrefix.get(key.slice(0, length));
      if (targets !== undefined) found = found === undefined ? targets : [...found, ...targets];
    }
    return found ?? NONE;
  }
}

const NONE: readonly never[] = [];
