import type { ConfState, Entry, Snapshot } from "../../regional/raft/index.js";
import { ChainState, hashEntry, mix } from "./raft-state.js";
import { Violation } from "./violation.js";

/** An entry that some member has marked as committed. */
interface Committed {
  readonly term: number;
  readonly hash: number;
  /** Hash chain of the state after it. */
  readonly chain: number;
  /** Term of the leader that committed it. */
  readonly committedIn: number;
}

/** The checker's own copy of a member's log, durable or not. */
export class LogView {
  #base = 0;
  #terms: number[] = [];
  #hashes: number[] = [];

  /** @param base index before the first entry; @param baseTerm its term */
  constructor(base: number, baseTerm: number) {
    this.reset(base, baseTerm);
  }

  get base(): number {
    return this.#base;
  }

  /** Starts anew after a snapshot. */
  reset(base: number, baseTerm: number): void {
    this.#base = base;
    this.#terms = [baseTerm];
    this.#hashes = [0];
  }

  get lastIndex(): number {
    return this.#base + this.#terms.length - 1;
  }

  term(index: number): number | undefined {
    return this.#terms[index - this.#base];
  }

  /** Hash of the entry; undefined at the base and outside. */
  hash(index: number): number | undefined {
    return index === this.#base ? undefined : this.#hashes[index - this.#base];
  }

  append(entry: Entry, hash: number): void {
    const at = entry.index - this.#base;
    if (at < 1 || at > this.#terms.length) {
      throw new Violation("log continuity", `entry ${entry.index} after ${this.lastIndex}`);
    }
    this.#terms.length = at;
    this.#hashes.length = at;
    this.#terms.push(entry.term);
    this.#hashes.push(hash);
  }
}

/** What a member's log looks like from outside, for the check of durable commits. */
export interface DurableLog {
  holds(index: number, term: number): boolean;
}

/**
 * Knows everything that ever happened in a world and checks it against Raft's guarantees
 * (Ongaro and Ousterhout, figure 3), after every step.
 */
export class RaftChecker {
  readonly #leaders = new Map<number, number>();
  /** Per index: per term, the entry's hash and its predecessor's term. */
  readonly #known: Map<number, { readonly hash: number; readonly before: number }>[] = [];
  readonly #committed: (Committed | undefined)[] = [];
  readonly #start: ChainState;
  readonly #disks: ReadonlyMap<number, DurableLog>;
  #last: number;

  constructor(start: Snapshot, disks: ReadonlyMap<number, DurableLog>) {
    this.#start = ChainState.from(start);
    this.#last = start.metadata.index;
    this.#disks = disks;
  }

  /** Index of the last entry known to be committed. */
  get lastCommitted(): number {
    return this.#last;
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
        const before = index - 1 === this.#start.index ? this.#start.chain : this.#chain(index - 1);
        const chain = mix(before, hash);
        this.#committed[index] = { term: own, hash, chain, committedIn: term };
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

  /** State-machine safety: a member's state equals everyone's at that index. */
  applied(id: number, state: ChainState): void {
    if (state.index === this.#start.index) return;
    if (this.#committed[state.index] === undefined) {
      throw new Violation("state-machine safety", `${id} applied uncommitted ${state.index}`);
    }
    if (this.#chain(state.index) !== state.chain) {
      throw new Violation("state-machine safety", `${id} has another state at ${state.index}`);
    }
  }

  /** An acknowledged write stays what it is: the committed entry at its index. */
  holdsAcknowledged(index: number, hash: number): boolean {
    return this.#committed[index]?.hash === hash;
  }

  #chain(index: number): number {
    const entry = this.#committed[index];
    if (entry === undefined) throw new Violation("log continuity", `${index} was never committed`);
    return entry.chain;
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
