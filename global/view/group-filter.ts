import type { GroupKey } from "../digest/cell.js";

/** Which groups a reader wants. */
export class GroupFilter {
  /** Exact keys; undefined for all that the prefix allows. */
  readonly keys: ReadonlySet<GroupKey> | undefined;
  /** How matching keys begin, in canonical form. */
  readonly #opening: string;

  /**
   * `keys` are canonical group keys, empty for all; `prefix` is what the first of a
   * group's values begins with, empty for whatever it is.
   */
  constructor(keys: readonly GroupKey[], prefix: string) {
    this.keys = keys.length === 0 ? undefined : new Set(keys);
    this.#opening = prefix === "" ? "" : `[${JSON.stringify(prefix).slice(0, -1)}`;
  }

  matches(key: GroupKey): boolean {
    if (this.keys !== undefined && !this.keys.has(key)) return false;
    return this.#opening === "" || key.startsWith(this.#opening);
  }
}
