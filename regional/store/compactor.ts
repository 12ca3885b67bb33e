import type { Mvcc } from "./mvcc.js";
import type { Row } from "./row.js";

/**
 * Clears away what compaction made unreachable, in bounded steps; readers never notice,
 * since `compactRevision` already keeps them from it. Of each key the newest row at or
 * below the compact revision stays, unless it is a deletion below it. Rows of the compact
 * revision itself stay in the log: a watch may begin there.
 *
 * It follows the log of writes instead of walking all keys. Each visited row first makes
 * its key drop what that row hides; a row that its key no longer needs is then discarded.
 */
export class Compactor {
  readonly #mvcc: Mvcc;
  /** The next of the rows at the compact revision to be visited; undefined before them. */
  #edge: number | undefined;
  #done = true;

  constructor(mvcc: Mvcc) {
    this.#mvcc = mvcc;
  }

  /** The compact revision has risen. */
  begin(): void {
    this.#edge = undefined;
    this.#done = false;
  }

  /** Visits at most `limit` rows; true while there are more. */
  step(limit: number): boolean {
    if (this.#done) return false;
    const { log, compactRevision } = this.#mvcc;
    let left = limit;
    let head = log.head;
    for (; left > 0; left--, head++) {
      const row = log.at(head);
      if (row === undefined || row.modRevision >= compactRevision) break;
      this.#visit(row, head);
    }
    log.dropBefore(head);
    if (left === 0) return true;
    let edge = this.#edge ?? head;
    for (; left > 0; left--, edge++) {
      const row = log.at(edge);
      if (row === undefined || row.modRevision > compactRevision) {
        this.#done = true;
        return false;
      }
      this.#dropHidden(row, head);
    }
    this.#edge = edge;
    return true;
  }

  #visit(row: Row, place: number): void {
    const { keys, compactRevision } = this.#mvcc;
    this.#dropHidden(row, place);
    const history = keys.get(row.key);
    if (history?.first() !== row) {
      this.#mvcc.discard(row);
    } else if (row.version === 0 && row.modRevision < compactRevision) {
      this.#mvcc.discard(row);
      if (!history.dropFirst()) keys.remove(row.key);
    }
  }

  /** Drops the rows that the key's newest one hides; those before `place` have been visited. */
  #dropHidden(row: Row, place: number): void {
    const { keys, compactRevision } = this.#mvcc;
    for (const hidden of keys.get(row.key)?.dropBefore(compactRevision) ?? []) {
      if (hidden.ordinal < place) this.#mvcc.discard(hidden);
    }
  }
}
