import { assert } from "../../shared/assert.js";
import { type Clock, systemClock } from "../../shared/clock.js";
import type { AtollError } from "../../shared/errors.js";
import type { InitialState, RaftStorage } from "../raft/storage.js";
import type { ConfState, Entry, HardState, Snapshot, SnapshotMetadata } from "../raft/types.js";
import type { FileIdentity } from "./identity.js";
import { LogThread, type LogThreadEvents } from "./log-thread.js";
import { LogView } from "./log-view.js";
import { PendingAppends } from "./pending-appends.js";
import { encodeRow } from "./row.js";

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
   * The log can't be written any more; the error names the file and the cause. Called
   * once; nothing is reported as durable after it. The member must stop.
   */
  onFailure(error: AtollError): void;
  /** A transaction became durable: seconds it took in the worker, its entries and bytes. */
  onSync?(seconds: number, entries: number, bytes: number): void;
}

/** How a log is opened. */
export interface LogOptions {
  readonly path: string;
  readonly identity: FileIdentity;
  /** Where a new log begins. */
  readonly initial: SnapshotMetadata;
  /** Whether a log that isn't there is made; if not, that is DATA_LOSS. */
  readonly create: boolean;
  readonly hooks: LogHooks;
  /** For oldestPendingMs; the process's own by default. */
  readonly clock?: Clock;
}

/** A position in the log. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/**
 * The durable log: hard state, base and entries in one SQLite file, written by a worker
 * thread, read from memory.
 *
 * As a RaftStorage it shows an append at once, before it is durable (raft/storage.ts
 * allows that); right after opening it holds exactly what is durable.
 */
export class DurableLog implements RaftStorage {
  readonly #thread: LogThread;
  readonly #hooks: LogHooks;
  readonly #pending: PendingAppends;
  #view: LogView;
  #hardState: HardState;
  #confState: ConfState;
  #sequence: number;
  /** The hard state's commit is newer than what was handed to the worker. */
  #commitIsNew = false;
  #durableIndex: number;
  #snapshots: () => Snapshot | undefined = () => undefined;
  #full: AtollError | undefined;
  #failure: AtollError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: LogOptions,
    thread: LogThread,
    opened: { confState: ConfState; hardState: HardState; sequence: number; view: LogView },
  ) {
    this.#thread = thread;
    this.#hooks = options.hooks;
    this.#pending = new PendingAppends(options.clock ?? systemClock);
    this.#view = opened.view;
    this.#hardState = opened.hardState;
    this.#confState = opened.confState;
    this.#sequence = opened.sequence;
    this.#durableIndex = opened.view.lastIndex;
  }

  /**
   * Opens the log, or makes it, and reads all of it. Rejects with DATA_LOSS naming file and
   * entry when anything in it is damaged, FAILED_PRECONDITION when it is of another format
   * or member, or in use.
   */
  static async open(options: LogOptions): Promise<DurableLog> {
    const { path, identity, initial, create } = options;
    const opened: { log?: DurableLog } = {};
    const events: LogThreadEvents = {
      onDurable: (sequence, seconds, entries, bytes) => {
        const { log } = opened;
        if (log !== undefined) log.#durable(sequence, seconds, entries, bytes);
      },
      onFull: (error) => {
        const { log } = opened;
        if (log !== undefined) log.#full = error;
      },
      onFailure: (error) => {
        const { log } = opened;
        if (log !== undefined) log.#fail(error);
      },
    };
    const { thread, head, entries } = await LogThread.open(
      { path, identity, initial, create },
      events,
    );
    const view = new LogView(head.base.index, head.base.term, entries);
    const log = new DurableLog(options, thread, { ...head, confState: head.base.confState, view });
    opened.log = log;
    return log;
  }

  /**
   * Queues an append; `onDurable` is called, in a later turn, once it and everything queued
   * before it has been fsynced. Appends that wait while a transaction is under way share
   * the next one. A hard state that differs in its commit only is not worth an fsync: it is
   * written with the next append, or at the close. After a failure or the close it does
   * nothing.
   */
  append(work: LogAppend, onDurable: () => void): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    const { entries, hardState } = work;
    const before = this.#hardState;
    let promise = false;
    if (hardState !== null) {
      promise = hardState.term !== before.term || hardState.vote !== before.vote;
      this.#commitIsNew ||= hardState.commit !== before.commit;
      this.#hardState = hardState;
    }
    const first = entries[0];
    if (first === undefined && !promise) {
      this.#pending.addToLast(onDurable);
      return;
    }
    if (first !== undefined) {
      if (first.index <= this.#view.lastIndex) this.#forgetFrom(first.index);
      this.#view.append(entries);
    }
    this.#write(entries, onDurable);
  }

  /**
   * Replaces the whole log by a snapshot's position and resolves when that is durable. The
   * hard state's commit is raised to the index; its term to the position's, without a vote.
   * Rejects with what made the log fail.
   */
  async reset(base: SnapshotMetadata): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { term, vote, commit } = this.#hardState;
    this.#hardState = {
      term: Math.max(term, base.term),
      vote: base.term > term ? 0 : vote,
      commit: Math.max(commit, base.index),
    };
    this.#confState = base.confState;
    this.#view = new LogView(base.index, base.term, []);
    this.#forgetFrom(1);
    this.#commitIsNew = false;
    const row = encodeRow([], ++this.#sequence, this.#hardState);
    await new Promise<void>((resolve, reject) => {
      this.#pending.add(this.#sequence, base.index, row.length, resolve, reject);
      this.#thread.reset(base, row);
    });
  }

  /**
   * Drops entries through `index` from memory at once and from the file soon after;
   * firstIndex() is then exactly index + 1. The index must be durable here and at most the
   * backend's durable applied index. Indexes at or below the base are ignored.
   */
  compact(index: number): void {
    if (index <= this.#view.baseIndex) return;
    assert(
      index <= this.#durableIndex,
      () => `compaction at ${index}, the log is durable through ${this.#durableIndex}`,
    );
    this.#view.compact(index);
    this.#thread.compact(index, this.#view.baseTerm);
  }

  /**
   * Tells a log that was just opened how far the state on disk is: its membership is what
   * initialState() gives, and what is applied is committed, though the commit index that
   * was written last may be behind.
   */
  startFrom(applied: SnapshotMetadata): void {
    this.#confState = applied.confState;
    const { commit } = this.#hardState;
    this.#hardState = { ...this.#hardState, commit: Math.max(commit, applied.index) };
  }

  /** Where snapshot() gets its answer; undefined from it means "not now". */
  setSnapshotSource(source: () => Snapshot | undefined): void {
    this.#snapshots = source;
  }

  initialState(): InitialState {
    return { hardState: this.#hardState, confState: this.#confState };
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    return this.#view.slice(lo, hi, maxBytes);
  }

  term(index: number): number | undefined {
    return this.#view.term(index);
  }

  lastIndex(): number {
    return this.#view.lastIndex;
  }

  firstIndex(): number {
    return this.#view.baseIndex + 1;
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshots();
  }

  /** Position just before the first entry. */
  get base(): LogPosition {
    return { index: this.#view.baseIndex, term: this.#view.baseTerm };
  }

  /** Index of the last entry that is known to be on the disk. */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** Bytes of the payloads of all retained entries. */
  get retainedBytes(): number {
    return this.#view.bytes;
  }

  /** Bytes waiting for the disk. */
  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  /** Milliseconds since the oldest append that is not durable yet was queued; 0 if none. */
  oldestPendingMs(): number {
    return this.#pending.oldestMs();
  }

  /**
   * Why nothing becomes durable at present: the disk is full, and appends wait for room;
   * undefined when they don't.
   */
  get full(): AtollError | undefined {
    return this.#full;
  }

  /** The smallest index that, compacted, leaves at most `maxBytes` of payloads. */
  indexWithin(maxBytes: number): number {
    return this.#view.indexWithin(maxBytes);
  }

  /**
   * Waits for everything queued, then closes the file; what a full disk has no room for is
   * dropped, as by a crash. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#commitIsNew) this.#write([], () => undefined);
    await this.#thread.close();
  }

  #write(entries: readonly Entry[], onDurable: () => void): void {
    const row = encodeRow(entries, ++this.#sequence, this.#hardState);
    this.#commitIsNew = false;
    this.#pending.add(this.#sequence, entries.at(-1)?.index ?? 0, row.length, onDurable);
    this.#thread.append(row);
  }

  /** Entries from `index` on are being overwritten: they don't count as durable. */
  #forgetFrom(index: number): void {
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
    this.#pending.forgetFrom(index);
  }

  #durable(sequence: number, seconds: number, entries: number, bytes: number): void {
    if (this.#failure !== undefined) return;
    this.#hooks.onSync?.(seconds, entries, bytes);
    this.#pending.complete(sequence, (lastIndex) => {
      this.#durableIndex = Math.max(this.#durableIndex, lastIndex);
    });
  }

  #fail(error: AtollError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#pending.fail(error);
    // Nothing of what a full disk refuses at the close was ever reported as durable.
    if (this.#closing !== undefined && error.code === "RESOURCE_EXHAUSTED") return;
    this.#hooks.onFailure(error);
  }
}
