import { MAX_GAPS_PER_SECTION, MAX_TOMBSTONES_PER_SECTION } from "../../shared/limits.js";
import type { Cell, GroupKey } from "./cell.js";
import { type Gap, isInGap, spanOf } from "./delta.js";
import type { Leaf, LeafChange } from "./leaf.js";

/** When a group last changed. */
export interface RecencyRow {
  readonly key: GroupKey;
  /** Undefined when the group is gone. */
  readonly leaf: Leaf | undefined;
  /** Revision of the last change that this holder knows of. */
  readonly changedAt: number;
}

/** A group as this holder knows it. */
interface Row {
  readonly path: number;
  readonly key: GroupKey;
  /** Undefined is a tombstone: the group was there and is gone. */
  leaf: Leaf | undefined;
  /** Revision of the last change that this holder knows of. */
  changedAt: number;
  older: Row | undefined;
  newer: Row | undefined;
}

/**
 * When each group last changed, as one holder knows it: what it takes to tell a peer
 * only what is newer to it. Local metadata, never hashed.
 *
 * Deltas can be told from versions at or past the floor; whoever is older gets the
 * whole section. Tombstones are bounded by number, and dropping one raises the floor,
 * so that no peer can make a holder hoard them by staying away. Nor can they be told from
 * within a gap: where a holder got the whole section, it knows what that changed in all.
 * Gaps are bounded by number too: the two oldest become one.
 */
export class Recency {
  readonly #rows = new Map<GroupKey, Row>();
  /** In the order of their deaths. */
  readonly #tombstones = new Map<GroupKey, Row>();
  #newest: Row | undefined;
  #floor: number;
  /** Ascending; none overlaps another. */
  #gaps: Gap[] = [];

  constructor(floor: number, leaves: Iterable<Leaf>) {
    this.#floor = floor;
    for (const leaf of leaves) this.touch(leaf, floor);
  }

  /** The lowest revision that a delta can be told from. */
  get floor(): number {
    return this.#floor;
  }

  /** Revisions above the floor that nothing can be told from, ascending. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** What is to be said with a delta from a revision: it leads across this. */
  gapFrom(revision: number): Gap | undefined {
    return spanOf(this.#gaps.filter(({ after }) => after >= revision));
  }

  /** Whether all that changed after a revision is known. */
  canTellFrom(revision: number): boolean {
    return revision >= this.#floor && !this.#gaps.some((gap) => isInGap(gap, revision));
  }

  /** Notes what was not seen to happen. */
  noteGap(gap: Gap): void {
    const isApart = ({ after, before }: Gap): boolean => before <= gap.after || after >= gap.before;
    const joined = [gap, ...this.#gaps.filter((other) => !isApart(other))];
    const whole: Gap = {
      after: Math.min(...joined.map(({ after }) => after)),
      before: Math.max(...joined.map(({ before }) => before)),
    };
    const above = [...this.#gaps.filter(isApart), whole].filter(
      ({ before }) => before > this.#floor,
    );
    above.sort((a, b) => a.after - b.after);
    const oldest = spanOf(above.splice(0, Math.max(1, above.length - MAX_GAPS_PER_SECTION + 1)));
    this.#gaps = oldest === undefined ? above : [oldest, ...above];
  }

  /** Groups that are gone and not forgotten. */
  get tombstones(): number {
    return this.#tombstones.size;
  }

  /** A group's place in the tree, when it is known. */
  pathOf(key: GroupKey): number | undefined {
    return this.#rows.get(key)?.path;
  }

  /** A group's leaf, when there is one. */
  leafOf(key: GroupKey): Leaf | undefined {
    return this.#rows.get(key)?.leaf;
  }

  /** Notes that a group changed at a revision, which never goes back between calls. */
  touch(change: LeafChange | Leaf, at: number): void {
    const leaf = "cells" in change ? change : change.leaf;
    let row = this.#rows.get(change.key);
    if (row === undefined) {
      row = {
        path: change.path,
        key: change.key,
        leaf,
        changedAt: at,
        older: undefined,
        newer: undefined,
      };
      this.#rows.set(change.key, row);
    } else {
      this.#unlink(row);
      row.leaf = leaf;
      row.changedAt = at;
      this.#tombstones.delete(change.key);
    }
    row.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = row;
    this.#newest = row;
    if (leaf === undefined) this.#bury(row);
  }

  /**
   * Every group that changed after a revision, which must be at or past the floor:
   * cells now, or undefined when it is gone. Costs what it returns.
   */
  since(revision: number): Map<GroupKey, readonly Cell[] | undefined> {
    const changes = new Map<GroupKey, readonly Cell[] | undefined>();
    for (let row = this.#newest; row !== undefined && row.changedAt > revision; row = row.older) {
      changes.set(row.key, row.leaf?.cells);
    }
    return changes;
  }

  /**
   * Every group that changed after a revision, the last one first, as it is known now.
   * Costs what it returns.
   */
  rowsSince(revision: number): RecencyRow[] {
    const rows: RecencyRow[] = [];
    for (let row = this.#newest; row !== undefined && row.changedAt > revision; row = row.older) {
      const { key, leaf, changedAt } = row;
      rows.push({ key, leaf, changedAt });
    }
    return rows;
  }

  #bury(row: Row): void {
    this.#tombstones.set(row.key, row);
    if (this.#tombstones.size <= MAX_TOMBSTONES_PER_SECTION) return;
    for (const oldest of this.#tombstones.values()) {
      this.#tombstones.delete(oldest.key);
      this.#rows.delete(oldest.key);
      this.#unlink(oldest);
      this.#floor = Math.max(this.#floor, oldest.changedAt);
      return;
    }
  }

  #unlink(row: Row): void {
    if (row.older !== undefined) row.older.newer = row.newer;
    if (row.newer !== undefined) row.newer.older = row.older;
    else if (this.#newest === row) this.#newest = row.older;
    row.older = undefined;
    row.newer = undefined;
  }
}
