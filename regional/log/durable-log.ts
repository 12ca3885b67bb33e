import type { AtollError } from "../../shared/errors.js";
import type { RaftStorage } from "../raft/storage.js";
import type { ConfState, Entry, HardState, Snapshot, SnapshotMetadata } from "../raft/types.js";

/** One unit of work for the append thread: what a storageAppend message asks for. */
export interface LogAppend {
  /** Consecutive; they replace everything from the first one's index on. May be empty. */
  readonly entries: readonly Entry[];
  /** null when unchanged. */
  readonly hardState: HardState | null;
}

/** What the owner of a log is told; all calls come on the event loop. */
export interface LogHooks {
  /**
   * The log can't be read or written any more; the error names the file and the cause.
   * Called once; nothing is reported as durable after it. The member must stop.
   */
  onFailure(error: AtollError): void;
  /** A transaction became durable: seconds it took in the worker, its entries and bytes. */
  onSync?(seconds: number, entries: number, bytes: number): void;
}

/**
 * The durable log: hard state, snapshot base and entries in one SQLite file, written by a
 * worker thread, read from memory.
 *
 * As a RaftStorage it shows an append at once, before it is durable (raft/storage.ts
 * allows that); right after opening it holds exactly what is durable.
 */
export interface DurableLog extends RaftStorage {
  /**
   * Queues an append; `onDurable` is called once it and everything queued before it has
   * been fsynced. Appends that wait while a transaction is under way share the next one.
   * A hard state that differs in its commit only is written with the next append that
   * needs a sync, or by itself without one.
   */
  append(work: LogAppend, onDurable: () => void): void;

  /**
   * Replaces the whole log by a snapshot's position (index, term, membership) and
   * resolves when that is durable. The hard state's commit is raised to the index, its
   * term to the position's term.
   */
  reset(base: SnapshotMetadata): Promise<void>;

  /**
   * Drops entries through `index` from memory at once and from the file soon after;
   * firstIndex() is then exactly index + 1. `confState` is the membership as applied
   * through `index`. Must be at most the backend's durable applied index (the caller
   * keeps a margin, see compactionPoint in regional/backend). Older indexes are ignored.
   */
  compact(index: number, confState: ConfState): void;

  /** What initialState() gives as membership: that of the applied state, not of the base. */
  startFrom(applied: SnapshotMetadata): void;

  /** Where snapshot() gets its answer; undefined from it means "not now". */
  setSnapshotSource(source: () => Snapshot | undefined): void;

  /** Position just before the first entry. */
  readonly base: SnapshotMetadata;
  /** Index of the last entry known to be on the disk. */
  readonly durableIndex: number;
  /** Bytes of the payloads of all retained entries. */
  readonly retainedBytes: number;
  /** Bytes of payloads waiting for the disk. */
  readonly pendingBytes: number;
  /** Milliseconds since the oldest append that is not durable yet was queued; 0 if none. */
  oldestPendingMs(): number;
  /** Waits for everything queued, then closes the file. Idempotent. */
  close(): Promise<void>;
}
