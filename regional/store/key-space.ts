import type { BinaryKey } from "../../shared/bytes.js";
import { KeyHistory } from "./key-history.js";
import { OrderedIndex } from "./ordered-index.js";
import type { Row } from "./row.js";

/** All keys with their histories: a map for single keys, an ordered index for ranges. */
export class KeySpace {
  readonly #byKey = new Map<BinaryKey, KeyHistory>();
  readonly #ordered = new OrderedIndex();
  #live = 0;

  /** Keys that exist at the current revision. */
  get live(): number {
    return this.#live;
  }

  get(key: BinaryKey): KeyHistory | undefined {
    return this.#byKey.get(key);
  }

  /** Adds a row as the newest of its key, whose history is `history`, if it has one. */
  add(history: KeyHistory | undefined, row: Row): void {
    if (history === undefined) {
      const made = new KeyHistory(row);
      this.#byKey.set(row.key, made);
      this.#ordered.insert(made);
      this.#live++;
      if (row.version === 0) this.#adjust(row.key, -1);
      return;
    }
    const before = history.latest.version > 0;
    const after = row.version > 0;
    history.add(row);
    if (before !== after) this.#adjust(row.key, after ? 1 : -1);
  }

  #adjust(key: BinaryKey, by: 1 | -1): void {
    this.#live += by;
    this.#ordered.adjustLive(key, by);
  }

  /** Forgets a key that doesn't exist at the current revision. */
  remove(key: BinaryKey): void {
    this.#byKey.delete(key);
    this.#ordered.remove(key);
  }

  /** Keys of [from, to) that exist at the current revision. */
  count(from: BinaryKey, to: BinaryKey | undefined): number {
    return this.#ordered.countLive(from, to);
  }

  /** Visits the histories of [from, to) in order of key until `visit` returns false. */
  scan(from: BinaryKey, to: BinaryKey | undefined, visit: (history: KeyHistory) => boolean): void {
    this.#ordered.scan(from, to, visit);
  }
}
