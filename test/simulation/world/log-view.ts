import type { Entry } from "../../../regional/raft/index.js";
import { Violation } from "./violation.js";

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
