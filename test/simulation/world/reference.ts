import {
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryType,
} from "../../../regional/raft/index.js";
import { Machine, START } from "./machine.js";
import { Violation } from "./violation.js";

/** Entries after which the machine's changes are taken away. */
const BATCH = 64;

/**
 * A state machine that no member has and no fault touches: it applies each entry when the
 * first member does. So all members' states can be compared with it at every index, by
 * their hash chains.
 */
export class Reference {
  readonly #machine: Machine;
  readonly #chains: string[];

  constructor(conf: ConfState) {
    this.#machine = Machine.first(conf);
    this.#chains = [this.#machine.chain];
  }

  get index(): number {
    return this.#machine.index;
  }

  /**
   * Some member has applied an entry; `conf` is what it made of the membership. True if it
   * was the first.
   */
  applied(entry: Entry, conf: ConfState): boolean {
    const machine = this.#machine;
    if (entry.index <= machine.index) return false;
    if (entry.index !== machine.index + 1) {
      throw new Violation("log continuity", `${entry.index} is applied after ${machine.index}`);
    }
    if (entry.type === EntryType.normal) machine.apply(entry);
    else machine.applyConf(entry, decodeConfChange(entry), () => conf);
    if (machine.index % BATCH === 0) machine.endBatch();
    this.#chains.push(machine.chain);
    return true;
  }

  /** True if this is the chain of all that was applied through the index. */
  agrees({ index, chain }: { readonly index: number; readonly chain: string }): boolean {
    return this.#chains[index - START.index] === chain;
  }

  /** The whole state. */
  image(): Uint8Array {
    return this.#machine.image();
  }
}
