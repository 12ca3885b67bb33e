import {
  type ConfState,
  type Entry,
  type HardState,
  type InitialState,
  MemoryStorage,
  type RaftStorage,
  type Snapshot,
} from "../../../regional/raft/index.js";

/**
 * What a script's node keeps: a log in memory, and the state machine as the snapshots that
 * it went through. The state is what was applied, put end to end. A snapshot that a leader
 * asks for is always of the latest state, wherever the log begins.
 */
export class ScriptStorage implements RaftStorage {
  readonly #log = new MemoryStorage();
  #state: Snapshot;

  /** Starts from `first`; an empty one (index 0) means a node that knows nothing. */
  constructor(first: Snapshot) {
    this.#state = first;
    if (first.metadata.index > 0) this.#log.applySnapshot(first);
  }

  /** The latest state, with the index through which it is applied. */
  snapshot(): Snapshot {
    return this.#state;
  }

  /** What a restart finds: the stored hard state, and the membership of the state. */
  initialState(): InitialState {
    return {
      hardState: this.#log.initialState().hardState,
      confState: this.#state.metadata.confState,
    };
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    return this.#log.entries(lo, hi, maxBytes);
  }

  term(index: number): number | undefined {
    return this.#log.term(index);
  }

  firstIndex(): number {
    return this.#log.firstIndex();
  }

  lastIndex(): number {
    return this.#log.lastIndex();
  }

  /** Carries out the writes of one Ready. */
  write(hardState: HardState | null, snapshot: Snapshot | null, entries: readonly Entry[]): void {
    if (hardState !== null) this.#log.setHardState(hardState);
    if (snapshot !== null && this.#log.applySnapshot(snapshot)) this.#state = snapshot;
    this.#log.append(entries);
  }

  /** Applies an entry that adds `data` to the state; `confState` is the membership after it. */
  apply(entry: Entry, data: Uint8Array, confState: ConfState | null): void {
    const { index, term } = entry;
    if (index <= this.#state.metadata.index) return;
    const before = this.#state;
    const all = new Uint8Array(before.data.length + data.length);
    all.set(before.data);
    all.set(data, before.data.length);
    const metadata = { index, term, confState: confState ?? before.metadata.confState };
    this.#state = { data: all, metadata };
  }

  /** Drops the log through `index`. False if it is gone already. */
  compact(index: number): boolean {
    if (index < this.firstIndex()) return false;
    this.#log.compact(index);
    return true;
  }
}
