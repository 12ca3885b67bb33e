import { violated } from "./invariant.js";
import { limitSize } from "./size.js";
import {
  type ConfState,
  EMPTY_CONF_STATE,
  type Entry,
  type HardState,
  NO_BYTES,
  type Snapshot,
} from "./types.js";

/** What a node starts from. */
export interface InitialState {
  readonly hardState: HardState;
  readonly confState: ConfState;
}

/**
 * The core's read-only view of the stable log. All calls are synchronous and answered
 * from memory; the driver writes the log by carrying out Ready (see ready.ts).
 *
 * The view must contain an append, and no longer what it overwrote, no later than the
 * moment its storageAppendResp is stepped; appends become visible in the order in which
 * they were issued. It may run ahead of durability, since the core never reads it at or
 * above the first entry it still holds as unstable. Only at construction of a RawNode
 * must it hold exactly what is durable.
 */
export interface RaftStorage {
  /** Hard state and membership as last made durable. */
  initialState(): InitialState;
  /**
   * Entries [lo, hi), cut to a prefix of at most `maxBytes` (by entrySize) but at least one.
   * undefined: `lo` was compacted away. `hi` is at most lastIndex() + 1.
   */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined;
  /**
   * Term of entry `index`, which may be firstIndex() - 1 (the snapshot's or the
   * compaction point's). undefined: compacted, or after the last index.
   */
  term(index: number): number | undefined;
  /** Index of the last entry (the snapshot's index when the log is empty). */
  lastIndex(): number;
  /** Index of the first entry that entries() can still give. */
  firstIndex(): number;
  /**
   * The most recent snapshot; undefined while none can be given (the core asks again at
   * the next occasion).
   */
  snapshot(): Snapshot | undefined;
}

/** A RaftStorage in memory, with the writing half that tests, simulations and scripts need. */
export class MemoryStorage implements RaftStorage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot = {
    data: NO_BYTES,
    metadata: { index: 0, term: 0, confState: EMPTY_CONF_STATE },
  };
  /** Index and term just before #entries[0]. */
  #baseIndex = 0;
  #baseTerm = 0;
  #entries: Entry[] = [];

  initialState(): InitialState {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    if (lo <= this.#baseIndex) return undefined;
    if (hi > this.lastIndex() + 1) {
      violated(`entries up to ${hi} asked for, the stable log ends at ${this.lastIndex()}`);
    }
    const start = this.#baseIndex + 1;
    return limitSize(this.#entries.slice(lo - start, hi - start), maxBytes);
  }

  term(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  firstIndex(): number {
    return this.#baseIndex + 1;
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Replaces the hard state. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Appends entries, replacing any from the first one's index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    const last = entries.at(-1);
    if (first === undefined || last === undefined || last.index <= this.#baseIndex) return;
    const fresh = entries.slice(Math.max(0, this.#baseIndex + 1 - first.index));
    const at = Math.max(first.index, this.#baseIndex + 1) - this.#baseIndex - 1;
    if (at > this.#entries.length) {
      violated(`append at ${first.index} leaves a gap after ${this.lastIndex()}`);
    }
    this.#entries.length = at;
    for (const entry of fresh) this.#entries.push(entry);
  }

  /** Replaces the whole log by a snapshot. False: an equal or newer snapshot is there already. */
  applySnapshot(snapshot: Snapshot): boolean {
    if (this.#snapshot.metadata.index >= snapshot.metadata.index) return false;
    this.#snapshot = snapshot;
    this.#baseIndex = snapshot.metadata.index;
    this.#baseTerm = snapshot.metadata.term;
    this.#entries = [];
    return true;
  }

  /** Takes a snapshot of the state at `index`, which must be in the log. The log is kept. */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    const term = this.term(index);
    if (term === undefined || index <= this.#snapshot.metadata.index) {
      violated(`no snapshot can be made at ${index}`);
    }
    this.#snapshot = { data, metadata: { index, term, confState } };
    return this.#snapshot;
  }

  /** Drops entries through `index`, which must be in the log. Older indexes are ignored. */
  compact(index: number): void {
    if (index <= this.#baseIndex) return;
    const term = this.term(index);
    if (term === undefined) violated(`compaction at ${index} is past ${this.lastIndex()}`);
    this.#entries.splice(0, index - this.#baseIndex);
    this.#baseIndex = index;
    this.#baseTerm = term;
  }
}
