import type { Pending } from "./proposal-contract.js";

interface Doomed<T> {
  readonly pending: Pending<T>;
  readonly term: number;
}

/**
 * Proposals that a leader before `term` took, of which no more can come, unless that leader,
 * which lives, has refused them and its word is still on its way: they are given a tick or two.
 */
export class DoomedProposals<T> {
  /** Since this tick, and since the one before. */
  #fresh: Doomed<T>[] = [];
  #overdue: Doomed<T>[] = [];

  add(pending: Pending<T>, term: number): void {
    this.#fresh.push({ pending, term });
  }

  /** One tick is over: those that have had their time and were not handed to anybody since. */
  tick(): Pending<T>[] {
    const lost = this.#overdue
      .filter(({ pending, term }) => pending.submittedTerm > 0 && pending.submittedTerm < term)
      .map(({ pending }) => pending);
    this.#overdue = this.#fresh;
    this.#fresh = [];
    return lost;
  }
}
