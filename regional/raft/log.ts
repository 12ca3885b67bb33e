import { violated } from "./invariant.js";
import { entriesSize, entrySize, limitSize } from "./size.js";
import type { RaftStorage } from "./storage.js";
import { type Entry, NO_ENTRIES, type Snapshot } from "./types.js";
import { Unstable } from "./unstable.js";

/**
 * The log as one sequence over the stable part (storage) and the unstable end, with its
 * marks: applied ≤ applying ≤ committed ≤ lastIndex. Source: etcd-io/raft `log.go`.
 */
export class RaftLog {
  readonly unstable: Unstable;
  readonly #storage: RaftStorage;
  readonly #maxApplyingBytes: number;
  #committed: number;
  #applying: number;
  #applied: number;
  /** Bytes handed out for apply and not yet applied. */
  #applyingBytes = 0;
  #applyingPaused = false;
  #restoredThrough = 0;

  /** @param maxApplyingBytes bound of what is handed out for apply at one time */
  constructor(storage: RaftStorage, maxApplyingBytes: number) {
    const base = storage.firstIndex() - 1;
    this.#storage = storage;
    this.#maxApplyingBytes = maxApplyingBytes;
    this.unstable = new Unstable(storage.lastIndex() + 1);
    this.#committed = base;
    this.#applying = base;
    this.#applied = base;
  }

  get committed(): number {
    return this.#committed;
  }

  get applied(): number {
    return this.#applied;
  }

  /** Index of the last snapshot that replaced the log; 0 if none did. */
  get restoredThrough(): number {
    return this.#restoredThrough;
  }

  firstIndex(): number {
    const snapshot = this.unstable.snapshot;
    return snapshot === null ? this.#storage.firstIndex() : snapshot.metadata.index + 1;
  }

  lastIndex(): number {
    return this.unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  /** Term at `index`; undefined if it was compacted or lies past the end. */
  term(index: number): number | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    // At and after the offset the unstable end hides what storage holds.
    if (index >= this.unstable.offset || index + 1 < this.firstIndex()) return undefined;
    return this.#storage.term(index);
  }

  lastTerm(): number {
    return this.term(this.lastIndex()) ?? violated("the last entry has no term");
  }

  matchTerm(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** True if a log that ends with (index, term) is as good as this one (dissertation §3.6.1). */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex());
  }

  /** A snapshot to send; undefined while there is none. */
  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Entries from `index` on, at most `maxBytes` (at least one); undefined if compacted. */
  entriesFrom(index: number, maxBytes: number): readonly Entry[] | undefined {
    const last = this.lastIndex();
    return index > last ? NO_ENTRIES : this.slice(index, last + 1, maxBytes);
  }

  /** Entries [lo, hi), cut to `maxBytes` (at least one); undefined if `lo` was compacted. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    if (lo < this.firstIndex()) return undefined;
    const offset = this.unstable.offset;
    if (lo >= offset) return limitSize(this.unstable.slice(lo, hi), maxBytes);
    const stableEnd = Math.min(hi, offset);
    const stable = this.#storage.entries(lo, stableEnd, maxBytes);
    if (stable === undefined || hi <= offset || stable.length < stableEnd - lo) return stable;
    const size = entriesSize(stable);
    if (size >= maxBytes) return stable;
    const rest = limitSize(this.unstable.slice(offset, hi), maxBytes - size);
    const first = rest[0];
    if (rest.length === 1 && first !== undefined && size + entrySize(first) > maxBytes) {
      return stable;
    }
    return stable.concat(rest);
  }

  /** Appends to the end, or over it from the first entry's index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index <= this.#committed) {
      violated(
        `append at ${first.index} would overwrite committed entries (through ${this.#committed})`,
      );
    }
    this.unstable.truncateAndAppend(entries);
  }

  /**
   * The first of `entries` that is not in the log already (absent, or of another term);
   * 0 if all are there.
   */
  findConflict(entries: readonly Entry[]): number {
    for (const entry of entries) {
      if (!this.matchTerm(entry.index, entry.term)) return entry.index;
    }
    return 0;
  }

  /**
   * The largest index ≤ `index` whose term is ≤ `term` or unknown: the best guess of where
   * this log may agree with another one of which only (index, term) is known. Skips whole
   * terms instead of single entries (dissertation §3.5).
   */
  findConflictByTerm(index: number, term: number): { index: number; term: number } {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  /** Raises the commit index; never lowers it. */
  commitTo(index: number): void {
    if (index <= this.#committed) return;
    const last = this.lastIndex();
    if (index > last) {
      violated(`told to commit ${index}, but the log ends at ${last}: entries were lost`);
    }
    this.#committed = index;
  }

  /**
   * Commits `index` if its entry is of `term`: a leader counts copies only of its own term's
   * entries (dissertation §3.6.2). True if the commit index rose.
   */
  maybeCommit(index: number, term: number): boolean {
    if (index <= this.#committed || !this.matchTerm(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  /** Sets the commit index found in storage at start. */
  restoreCommit(commit: number): void {
    if (commit < this.#committed || commit > this.lastIndex()) {
      violated(
        `the stored commit index ${commit} is outside the stored log (${this.#committed} to ${this.lastIndex()})`,
      );
    }
    this.#committed = commit;
  }

  /** Committed entries may be handed out for apply, up to here. */
  #appliable(allowUnstable: boolean): number {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#applyingPaused || this.unstable.snapshot !== null) return false;
    return this.#applying < this.#appliable(allowUnstable);
  }

  /** Committed entries to be applied next, within the bound of bytes. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    const room = this.#maxApplyingBytes - this.#applyingBytes;
    return (
      this.slice(this.#applying + 1, this.#appliable(allowUnstable) + 1, room) ??
      violated(`committed entry ${this.#applying + 1} was compacted before it was applied`)
    );
  }

  /** `entries`, from nextCommitted(), are being applied. */
  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#applying = last.index;
    this.#applyingBytes += entriesSize(entries);
    // Not everything fitted: more would go past the bound.
    this.#applyingPaused =
      this.#applyingBytes >= this.#maxApplyingBytes || last.index < this.#appliable(allowUnstable);
  }

  /** The state machine is applied through `index`; `bytes` less are outstanding. */
  appliedTo(index: number, bytes: number): void {
    if (index > this.#committed || index < this.#applied) {
      violated(`applied through ${index}, outside ${this.#applied} to ${this.#committed}`);
    }
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyingPaused = this.#applyingBytes >= this.#maxApplyingBytes;
  }

  /** Replaces the whole log by a snapshot, all of it committed. */
  restore(snapshot: Snapshot): void {
    this.#committed = snapshot.metadata.index;
    this.#restoredThrough = snapshot.metadata.index;
    this.unstable.restore(snapshot);
  }
}
