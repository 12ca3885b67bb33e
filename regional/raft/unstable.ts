import { violated } from "./invariant.js";
import type { Entry, Snapshot } from "./types.js";
import { NO_ENTRIES } from "./types.js";

/**
 * The end of the log that is not known to be durable: entries from `offset` on, and perhaps
 * a snapshot before them. What was handed out for writing stays here until the write is
 * reported, so that the log always has one view. Source: etcd-io/raft `log_unstable.go`.
 */
export class Unstable {
  /** Index of the first entry here; everything before is in the stable log. */
  offset: number;
  /** Index after the last entry that was handed out for writing. */
  #handedOut: number;
  #entries: Entry[] = [];
  #snapshot: Snapshot | null = null;
  #snapshotHandedOut = false;

  constructor(offset: number) {
    this.offset = offset;
    this.#handedOut = offset;
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get hasEntries(): boolean {
    return this.#entries.length > 0;
  }

  /** Index of the last entry or of the snapshot; undefined if there is neither. */
  lastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.offset + this.#entries.length - 1;
    return this.#snapshot?.metadata.index;
  }

  /** Term at `index`, if that is known here. */
  term(index: number): number | undefined {
    if (index >= this.offset) return this.#entries[index - this.offset]?.term;
    const metadata = this.#snapshot?.metadata;
    return metadata?.index === index ? metadata.term : undefined;
  }

  /** Entries [lo, hi), which must all be here. */
  slice(lo: number, hi: number): Entry[] {
    if (lo < this.offset || hi > this.offset + this.#entries.length || lo > hi) {
      violated(
        `unstable entries [${lo},${hi}) asked for, there are ${this.#entries.length} from ${this.offset}`,
      );
    }
    return this.#entries.slice(lo - this.offset, hi - this.offset);
  }

  hasNextEntries(): boolean {
    return this.offset + this.#entries.length > this.#handedOut;
  }

  /** Entries not handed out yet. */
  nextEntries(): readonly Entry[] {
    return this.hasNextEntries() ? this.#entries.slice(this.#handedOut - this.offset) : NO_ENTRIES;
  }

  /** The snapshot, if it is there and was not handed out yet. */
  nextSnapshot(): Snapshot | null {
    return this.#snapshotHandedOut ? null : this.#snapshot;
  }

  /** Everything here is now being written. */
  handOut(): void {
    this.#handedOut = this.offset + this.#entries.length;
    this.#snapshotHandedOut = this.#snapshot !== null;
  }

  /**
   * The stable log ends with this entry, and no write in progress will change that: drops
   * the entries through it. Says nothing if the entry is not here or is another one by now.
   */
  stableTo(index: number, term: number): void {
    if (index < this.offset || this.term(index) !== term) return;
    const count = index + 1 - this.offset;
    if (count === this.#entries.length) this.#entries = [];
    else this.#entries.splice(0, count);
    this.offset = index + 1;
    this.#handedOut = Math.max(this.#handedOut, this.offset);
  }

  /** The snapshot at `index` is durable and installed. */
  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.metadata.index !== index) return;
    this.#snapshot = null;
    this.#snapshotHandedOut = false;
  }

  /** Replaces the whole log by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.metadata.index + 1;
    this.#handedOut = this.offset;
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#snapshotHandedOut = false;
  }

  /** Appends entries, replacing everything from the first one's index on. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index;
    const end = this.offset + this.#entries.length;
    if (from > end) violated(`append at ${from} leaves a gap after ${end - 1}`);
    if (from <= this.offset) {
      // Reaches into the stable log, which the write of these entries will overwrite.
      this.#entries = [];
      this.offset = from;
      this.#handedOut = from;
    } else if (from < end) {
      this.#entries.length = from - this.offset;
      this.#handedOut = Math.min(this.#handedOut, from);
    }
    for (const entry of entries) this.#entries.push(entry);
  }
}
