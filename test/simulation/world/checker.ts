import type { ConfState, Entry } from "../../../regional/raft/index.js";
import { hashEntry } from "./hash.js";
import type { LogView } from "./log-view.js";
import { START } from "./machine.js";
import { Violation } from "./violation.js";

/** An entry that some member has marked as committed. */
interface Committed {
  readonly term: number;
  readonly hash: number;
  /** Term of the leader that committed it. */
  readonly committedIn: number;
}

/** What a member's log looks like from outside, for the check of durable commits. */
export interface DurableLog {
  holds(index: number, term: number): boolean;
}

/**
 * Knows all entries and leaders that there ever were in a world and checks them against
 * Raft's guarantees (Ongaro and Ousterhout, figure 3), after every step.
 */
export class RaftChecker {
  readonly #leaders = new Map<number, number>();
  /** Per index: per term, the entry's hash and its predecessor's term. */
  readonly #known: Map<number, { readonly hash: number; readonly before: number }>[] = [];
  readonly #committed: (Committed | undefined)[] = [];
  readonly #disks: ReadonlyMap<number, DurableLog>;
  #last = START.index;

  constructor(disks: ReadonlyMap<number, DurableLog>) {
    this.#disks = disks;
  }

  /**
   * Election safety, and leader completeness for everything committed in earlier terms. A
   * member that leads one term twice, before and after a crash, is two leaders.
   */
  leaderElected(id: number, term: number, view: LogView): void {
    const other = this.#leaders.get(term);
    if (other !== undefined) {
      throw new Violation("election safety", `${other} and then ${id} lead term ${term}`);
    }
    this.#leaders.set(term, id);
    for (let index = view.base + 1; index <= this.#last; index++) {
      const entry = this.#committed[index];
      if (entry === undefined || entry.committedIn >= term) continue;
      if (view.term(index) !== entry.term) {
        throw new Violation(
          "leader completeness",
          `${id} leads term ${term} without entry ${entry.term}/${index}, committed in term ${entry.committedIn}`,
        );
      }
    }
  }

  /**
   * Log matching: entries of one index and term are equal and follow equal predecessors,
   * hence (by induction) equal logs.
   */
  appended(id: number, view: LogView, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const hash = hashEntry(entry);
      view.append(entry, hash);
      const before = view.term(entry.index - 1) as number;
      let terms = this.#known[entry.index];
      if (terms === undefined) {
        terms = new Map();
        this.#known[entry.index] = terms;
      }
      const known = terms.get(entry.term);
      if (known === undefined) terms.set(entry.term, { hash, before });
      else if (known.hash !== hash || known.before !== before) {
        throw new Violation("log matching", `${id} has another entry ${entry.term}/${entry.index}`);
      }
    }
  }

  /**
   * A member has raised its commit index. What is committed is the same for all and, when
   * first seen, durable on a quorum of the committing member's configuration.
   */
  committed(
    id: number,
    view: LogView,
    from: number,
    through: number,
    term: number,
    conf: ConfState,
  ): void {
    for (let index = Math.max(from, view.base) + 1; index <= through; index++) {
      const own = view.term(index);
      const hash = view.hash(index);
      if (own === undefined || hash === undefined) {
        throw new Violation("log continuity", `${id} commits ${index}, which it does not hold`);
      }
      const known = this.#committed[index];
      if (known === undefined) {
        this.#committed[index] = { term: own, hash, committedIn: term };
        this.#last = Math.max(this.#last, index);
        this.#checkDurable(id, index, own, conf);
      } else if (known.term !== own || known.hash !== hash) {
        throw new Violation(
          "state-machine safety",
          `${id} commits ${own}/${index} where ${known.term}/${index} was committed`,
        );
      }
    }
  }

  /** A member applies an entry, which must be the one that was committed there. */
  applies(id: number, { index, term }: Entry): void {
    const known = this.#committed[index];
    if (known?.term === term) return;
    const was = known === undefined ? "nothing" : `${known.term}/${index}`;
    throw new Violation(
      "state-machine safety",
      `${id} applies ${term}/${index} where ${was} was committed`,
    );
  }

  /** A member takes over a state, which must be of committed entries. */
  installs(id: number, index: number, term: number): void {
    if (index > START.index && this.#committed[index]?.term !== term) {
      throw new Violation("state-machine safety", `${id} installs uncommitted ${term}/${index}`);
    }
  }

  /** The entry that was committed at an index; undefined if none was. */
  termCommitted(index: number): number | undefined {
    return this.#committed[index]?.term;
  }

  #checkDurable(id: number, index: number, term: number, conf: ConfState): void {
    for (const voters of [conf.voters, conf.votersOutgoing]) {
      const holding = voters.filter((voter) => this.#disks.get(voter)?.holds(index, term) === true);
      if (voters.length > 0 && holding.length * 2 <= voters.length) {
        throw new Violation(
          "durable commit",
          `${id} commits ${term}/${index}, durable only on ${holding.join(", ") || "no member"} of ${voters.join(", ")}`,
        );
      }
    }
  }
}
