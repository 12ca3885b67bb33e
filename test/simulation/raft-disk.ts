import type { Entry, HardState, Snapshot } from "../../regional/raft/index.js";
import { MemoryStorage } from "../../regional/raft/index.js";

/** One write to the log: what a storageAppend asks for. */
export interface DiskWrite {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | null;
  readonly snapshot: Snapshot | null;
}

/**
 * A simulated disk: what was written stays in a cache until it is synced, and a crash loses
 * what is in the cache, except perhaps some of the oldest writes. A write is whole or absent.
 * State-machine checkpoints are atomic and durable at once.
 */
export class SimDisk {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #checkpoint: Snapshot;
  #baseIndex: number;
  #baseTerm: number;
  /** Entry i is at index baseIndex + 1 + i. */
  #entries: Entry[] = [];
  #cache: DiskWrite[] = [];

  /** @param start the checkpoint that the member starts with; its log is empty after it */
  constructor(start: Snapshot) {
    this.#checkpoint = start;
    this.#baseIndex = start.metadata.index;
    this.#baseTerm = start.metadata.term;
  }

  get checkpoint(): Snapshot {
    return this.#checkpoint;
  }

  write(write: DiskWrite): void {
    this.#cache.push(write);
  }

  /** The `count` oldest writes of the cache are durable now. */
  sync(count: number): void {
    for (const write of this.#cache.splice(0, count)) this.#flush(write);
  }

  /** Keeps the `kept` oldest writes of the cache and loses the others; returns how many. */
  crash(kept: number): number {
    for (const write of this.#cache.slice(0, kept)) this.#flush(write);
    const lost = Math.max(0, this.#cache.length - kept);
    this.#cache = [];
    return lost;
  }

  get cached(): number {
    return this.#cache.length;
  }

  /** Replaces the checkpoint of the state machine. */
  saveCheckpoint(checkpoint: Snapshot): void {
    if (checkpoint.metadata.index > this.#checkpoint.metadata.index) this.#checkpoint = checkpoint;
  }

  /** Drops the log through `index`, which is at or before the checkpoint. */
  compact(index: number): void {
    const through = Math.min(index, this.#checkpoint.metadata.index, this.lastIndex());
    if (through <= this.#baseIndex) return;
    this.#baseTerm = (this.#entries[through - this.#baseIndex - 1] as Entry).term;
    this.#entries.splice(0, through - this.#baseIndex);
    this.#baseIndex = through;
  }

  lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  /** True if the entry (index, term) is durable, in the log or as part of the checkpoint. */
  holds(index: number, term: number): boolean {
    if (index <= this.#baseIndex) return true;
    return this.#entries[index - this.#baseIndex - 1]?.term === term;
  }

  /** What a restarted member finds. */
  load(): MemoryStorage {
    const storage = new MemoryStorage();
    const { confState, index } = this.#checkpoint.metadata;
    if (this.#baseIndex > 0 && index > this.#baseIndex) {
      const metadata = { index: this.#baseIndex, term: this.#baseTerm, confState };
      storage.applySnapshot({ data: this.#checkpoint.data, metadata });
    } else {
      storage.applySnapshot(this.#checkpoint);
    }
    storage.append(this.#entries);
    if (index > this.#baseIndex) storage.createSnapshot(index, confState, this.#checkpoint.data);
    storage.setHardState(this.#hardState);
    return storage;
  }

  #flush(write: DiskWrite): void {
    if (write.snapshot !== null) {
      this.#checkpoint = write.snapshot;
      this.#baseIndex = write.snapshot.metadata.index;
      this.#baseTerm = write.snapshot.metadata.term;
      this.#entries = [];
    }
    const first = write.entries[0];
    if (first !== undefined) {
      const at = first.index - this.#baseIndex - 1;
      if (at < 0 || at > this.#entries.length) {
        throw new Error(`disk: write at ${first.index} leaves a gap after ${this.lastIndex()}`);
      }
      this.#entries.length = at;
      for (const entry of write.entries) this.#entries.push(entry);
    }
    if (write.hardState !== null) this.#hardState = write.hardState;
  }
}
