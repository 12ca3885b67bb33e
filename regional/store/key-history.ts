import type { Row } from "./row.js";

/** A key's rows, oldest first, deletions included. */
export class KeyHistory {
  latest: Row;
  /** What came before `latest`, made when there is something. */
  #older: Row[] | undefined;

  constructor(first: Row) {
    this.latest = first;
  }

  /** The pair now. */
  current(): Row | undefined {
    return this.latest.version === 0 ? undefined : this.latest;
  }

  add(row: Row): void {
    if (this.#older === undefined) this.#older = [this.latest];
    else this.#older.push(this.latest);
    this.latest = row;
  }

  /** The pair as it was at a revision. */
  at(revision: number): Row | undefined {
    const row = this.#newest(revision);
    return row === undefined || row.version === 0 ? undefined : row;
  }

  #newest(revision: number): Row | undefined {
    if (this.latest.modRevision <= revision) return this.latest;
    return this.#older?.[this.#countThrough(revision) - 1];
  }

  /** How many of #older have modRevision <= revision. */
  #countThrough(revision: number): number {
    const rows = this.#older ?? [];
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows[middle] as Row).modRevision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Drops all rows that a read at `revision` or later can't see, except a deletion.
   * Returns the dropped ones, oldest first.
   */
  dropBefore(revision: number): readonly Row[] {
    const older = this.#older;
    if (older === undefined) return [];
    const drop =
      this.latest.modRevision <= revision ? older.length : this.#countThrough(revision) - 1;
    if (drop <= 0) return [];
    if (drop < older.length) return older.splice(0, drop);
    this.#older = undefined;
    return older;
  }

  /** The oldest row. */
  first(): Row {
    return this.#older?.[0] ?? this.latest;
  }

  /** Drops the oldest row; false when it is the only one. */
  dropFirst(): boolean {
    const older = this.#older;
    if (older === undefined) return false;
    older.shift();
    if (older.length === 0) this.#older = undefined;
    return true;
  }

  /** All rows, oldest first. */
  rows(): readonly Row[] {
    return [...(this.#older ?? []), this.latest];
  }
}
