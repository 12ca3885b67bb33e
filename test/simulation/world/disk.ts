import type { Entry, HardState, Snapshot } from "../../../regional/raft/index.js";
import { MemoryStorage } from "../../../regional/raft/index.js";
import { hashBytes, hashEntry, mix } from "./hash.js";

/** One write to the log: what a storageAppend asks for. */
export interface DiskWrite {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | null;
  readonly snapshot: Snapshot | null;
}

/** What a crash did to writes that were not synced. */
export interface CrashDamage {
  readonly lost: number;
  readonly torn: boolean;
}

function checksum({ entries, hardState, snapshot }: DiskWrite): number {
  let hash = mix(entries.length, hardState === null ? 0 : 1);
  for (const entry of entries) hash = mix(mix(hash, entry.index), hashEntry(entry));
  if (hardState !== null) {
    hash = mix(mix(mix(hash, hardState.term), hardState.vote), hardState.commit);
  }
  if (snapshot !== null) hash = mix(mix(hash, snapshot.metadata.index), hashBytes(snapshot.data));
  return hash;
}

/** The first part of a write, which ends within an entry or before the hard state. */
function firstPart(write: DiskWrite): DiskWrite {
  const entries = write.entries.slice(0, (write.entries.length + 1) >> 1);
  const last = entries.pop();
  if (last !== undefined) {
    entries.push({ ...last, data: last.data.subarray(0, last.data.length >> 1) });
  }
  return { entries, hardState: null, snapshot: write.snapshot };
}

/**
 * A simulated disk: what was written stays in a cache until it is synced, and a crash loses
 * what is in the cache, except perhaps some of the oldest writes and a part of the one after
 * them, which its checksum gives away at the next start. State-machine checkpoints are
 * atomic and durable at once.
 */
export class SimDisk {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #checkpoint: Snapshot;
  #baseIndex: number;
  #baseTerm: number;
  /** Entry i is at index baseIndex + 1 + i. */
  #entries: Entry[] = [];
  #cache: DiskWrite[] = [];
  #torn: { readonly write: DiskWrite; readonly checksum: number } | null = null;

  /** @param start the checkpoint that the member starts with; its log is empty after it */
  constructor(start: Snapshot) {
    this.#checkpoint = start;
    this.#baseIndex = start.metadata.index;
    this.#baseTerm = start.metadata.term;
  }

  get checkpoint(): Snapshot {
    return this.#checkpoint;
  }

  /** Writes that are not synced. */
  get cached(): number {
    return this.#cache.length;
  }

  write(write: DiskWrite): void {
    this.#cache.push(write);
  }

  /** The `count` oldest writes of the cache are durable now. */
  sync(count: number): void {
    for (const write of this.#cache.splice(0, count)) this.#flush(write);
  }

  /** Keeps the `kept` oldest writes of the cache, tears the next one, loses the others. */
  crash(kept: number, tear: boolean): CrashDamage {
    for (const write of this.#cache.slice(0, kept)) this.#flush(write);
    const next = this.#cache[kept];
    const torn = tear && next !== undefined;
    if (torn) this.#torn = { write: firstPart(next), checksum: checksum(next) };
    const lost = Math.max(0, this.#cache.length - kept);
    this.#cache = [];
    return { lost, torn };
  }

  /** Replaces the checkpoint of the state machine. */
  saveCheckpoint(checkpoint: Snapshot): void {
    if (checkpoint.metadata.index > this.#checkpoint.metadata.index) this.#checkpoint = checkpoint;
  }

  /**
   * Replaces a state that can't be trusted by another member's; false if it doesn't reach the
   * log. What the log holds beyond it stays: a state is never behind the log's base.
   */
  replaceState(checkpoint: Snapshot): boolean {
    const { index, term } = checkpoint.metadata;
    if (index < this.#baseIndex) return false;
    if (this.holds(index, term)) this.#checkpoint = checkpoint;
    else this.#flush({ entries: [], hardState: null, snapshot: checkpoint });
    return true;
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

  /** What a restarted member finds. A last record that is not whole is left out. */
  load(): MemoryStorage {
    this.#settleTorn();
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

  /** True if a record is what was written. */
  isWhole(write: DiskWrite, expected: number): boolean {
    return checksum(write) === expected;
  }

  #settleTorn(): void {
    const torn = this.#torn;
    this.#torn = null;
    if (torn !== null && this.isWhole(torn.write, torn.checksum)) this.#flush(torn.write);
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
