import { DueQueue } from "../../../shared/due-queue.js";

/**
 * Which of many things to look at now, and which when a time has come, so that a step
 * costs what has changed and not what there is.
 */
export class Agenda<T> {
  #now = new Set<T>();
  readonly #later = new DueQueue<T>();
  /** The earliest time for which each is in the queue. */
  readonly #laterMs = new Map<T, number>();

  /** To be looked at from `atMs` on; at once for -Infinity, never by this for Infinity. */
  note(item: T, atMs: number): void {
    if (atMs === Number.NEGATIVE_INFINITY) this.#now.add(item);
    else if (atMs < (this.#laterMs.get(item) ?? Number.POSITIVE_INFINITY)) {
      this.#laterMs.set(item, atMs);
      this.#later.push(atMs, item);
    }
  }

  /** What is to be looked at now, each thing once. It is off the agenda then. */
  take(nowMs: number): ReadonlySet<T> {
    const due = this.#now;
    let next = this.#later.popDue(nowMs);
    for (; next !== undefined; next = this.#later.popDue(nowMs)) {
      // An entry that an earlier one has made idle may remain; looking once more is cheap.
      this.#laterMs.delete(next);
      due.add(next);
    }
    if (due.size > 0) this.#now = new Set();
    return due;
  }

  /** When there is something to look at; Infinity when there is nothing. */
  nextMs(): number {
    return this.#now.size > 0 ? Number.NEGATIVE_INFINITY : this.#later.nextAt;
  }
}
