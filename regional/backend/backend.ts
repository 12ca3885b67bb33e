import { assert } from "../../shared/assert.js";
import { AtollError } from "../../shared/errors.js";
import {
  BACKEND_LINGER_MS,
  BACKEND_TRANSACTION_BYTES,
  MAX_BACKEND_QUEUE_BYTES,
} from "../../shared/limits.js";
import { fromFailure } from "../../shared/sqlite/storage-error.js";
import { EMPTY_CONF_STATE, type SnapshotMetadata } from "../raft/types.js";
import type { BackendRecord } from "../store/records.js";
import type { BackendHooks, BackendOptions } from "./backend-hooks.js";
import { BackendThread } from "./backend-thread.js";
import { Checkpoints } from "./checkpoints.js";
import { type BackendImage, runImageTask } from "./image.js";
import type { BackendReply } from "./protocol.js";
import { RecordLoader } from "./record-loader.js";
import type { StateSize } from "./state-file.js";
import { type Transaction, WriteQueue } from "./write-queue.js";
import { WriteWaits } from "./write-waits.js";

const NOTHING_APPLIED: SnapshotMetadata = { index: 0, term: 0, confState: EMPTY_CONF_STATE };

/** What the worker is writing now. */
type InFlight = Omit<Transaction, "packed"> & { readonly bytes: number };

/**
 * The state database: records as the store made them, written behind by a worker thread,
 * with the applied position in the same transaction. Memory is the truth for reads; this
 * is for restarts and for followers that fell behind.
 */
export class Backend {
  /** Position of the last transaction found at opening; index 0 when there is none. */
  readonly loaded: SnapshotMetadata;
  readonly #path: string;
  readonly #thread: BackendThread;
  readonly #hooks: BackendHooks;
  readonly #queue = new WriteQueue();
  readonly #checkpoints: Checkpoints;
  readonly #loader: RecordLoader;
  readonly #waits = new WriteWaits();
  #inFlight: InFlight | undefined;
  /** Batches queued, and batches written, since the start. */
  #queued = 0;
  #written = 0;
  #writtenIndex: number;
  #durableAppliedIndex: number;
  #lastIndex: number;
  #lingering: NodeJS.Timeout | undefined;
  #images = new Set<Promise<unknown>>();
  #size: StateSize;
  #full: AtollError | undefined;
  #failure: AtollError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: BackendOptions,
    thread: BackendThread,
    opened: Extract<BackendReply, { kind: "opened" }>,
  ) {
    this.#path = options.path;
    this.#hooks = options.hooks;
    this.#thread = thread;
    this.loaded = opened.position ?? NOTHING_APPLIED;
    this.#size = opened.size;
    this.#writtenIndex = this.loaded.index;
    this.#durableAppliedIndex = this.loaded.index;
    this.#lastIndex = this.loaded.index;
    this.#loader = new RecordLoader(() => thread.send({ kind: "load" }));
    this.#checkpoints = new Checkpoints(() => {
      this.#checkpoints.want(this.#queued);
      this.#pump();
    });
    thread.connect(
      (reply) => this.#take(reply),
      (error) => this.#fail(error),
    );
  }

  /**
   * Opens the database, or makes it. Rejects with DATA_LOSS when it is damaged,
   * FAILED_PRECONDITION when it is of another format or member.
   */
  static async open(options: BackendOptions): Promise<Backend> {
    const { thread, opened } = await BackendThread.open(options.path, options.identity);
    return new Backend(options, thread, opened);
  }

  /**
   * All records, in batches, in the order of (table, key); keys and values are views of
   * memory that is not used again. Before the first write. Throws DATA_LOSS naming a
   * record that is damaged.
   */
  load(): AsyncGenerator<readonly BackendRecord[], void> {
    assert(this.#queued === 0, "the state is loaded before anything is written");
    return this.#loader.load();
  }

  /**
   * Queues the records of entries through `applied.index`. Calls that wait share a
   * transaction. `logDurableIndex` is the local log's durable index: applied.index may not
   * be past it (throws otherwise). The records must not be changed afterwards. After a
   * failure or the close it does nothing.
   */
  write(
    records: readonly BackendRecord[],
    applied: SnapshotMetadata,
    logDurableIndex: number,
  ): void {
    const { index } = applied;
    assert(
      index <= logDurableIndex,
      () => `state through ${index}, the log is durable through ${logDurableIndex}`,
    );
    assert(index >= this.#lastIndex, () => `state through ${index} after ${this.#lastIndex}`);
    if (this.#stopped) return;
    this.#lastIndex = index;
    this.#queued++;
    this.#queue.add(records, applied);
    this.#pump();
  }

  /**
   * Makes everything queued so far survive a power cut and resolves with
   * durableAppliedIndex, which is an older one while an image is being made. Rejects with
   * what made the database fail.
   */
  checkpoint(): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing !== undefined) return Promise.resolve(this.#durableAppliedIndex);
    return this.#checkpoint();
  }

  #checkpoint(): Promise<number> {
    const done = this.#checkpoints.wait(this.#queued);
    this.#pump();
    return done;
  }

  /**
   * Writes a consistent image of at least all that is queued now to `file`, which must not
   * exist. Writes go on meanwhile. Rejects naming the file.
   */
  async snapshotTo(file: string): Promise<BackendImage> {
    await this.#flush();
    const making = runImageTask({ kind: "make", source: this.#path, target: file });
    this.#images.add(making);
    try {
      return await making;
    } finally {
      this.#images.delete(making);
    }
  }

  /** State through this index survives a power cut; the log may be cut only below it. */
  get durableAppliedIndex(): number {
    return this.#durableAppliedIndex;
  }

  /** Bytes queued and not yet written; the caller slows down past MAX_BACKEND_QUEUE_BYTES. */
  get pendingBytes(): number {
    return this.#queue.bytes + (this.#inFlight?.bytes ?? 0);
  }

  /** Resolves when pendingBytes is within the bound. Rejects when the database has failed. */
  drained(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.pendingBytes <= MAX_BACKEND_QUEUE_BYTES) return Promise.resolve();
    return this.#waits.forRoom();
  }

  /** Why records wait at present: the disk is full; undefined when they don't. */
  get full(): AtollError | undefined {
    return this.#full;
  }

  /** As of the last transaction. */
  get size(): StateSize {
    return this.#size;
  }

  /**
   * Writes and checkpoints everything queued, as far as there is room, then closes the file.
   * Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close(() => this.#checkpoint());
    return this.#closing;
  }

  /** Closes the file without what is queued: it is about to be replaced. Idempotent. */
  discard(): Promise<void> {
    this.#closing ??= this.#close(() => Promise.resolve());
    return this.#closing;
  }

  async #close(before: () => Promise<unknown>): Promise<void> {
    this.#thread.endWaiting();
    this.#checkpoints.close();
    const begun = this.#failure === undefined ? before() : undefined;
    await Promise.allSettled([...this.#images, begun]);
    this.#giveUp(new AtollError("UNAVAILABLE", `the state database ${this.#path} is closed`));
    await this.#thread.close();
  }

  get #stopped(): boolean {
    return this.#failure !== undefined || this.#closing !== undefined;
  }

  /** Resolves when everything queued now is written. */
  #flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing !== undefined) return this.#closing;
    if (this.#written >= this.#queued) return Promise.resolve();
    const written = this.#waits.forBatches(this.#queued);
    this.#pump();
    return written;
  }

  /** The worker has something to do. */
  get #busy(): boolean {
    return this.#inFlight !== undefined || this.#checkpoints.running;
  }

  /** Sends the next piece of work, one at a time, if it is time for it. */
  #pump(): void {
    if (this.#busy || this.#failure !== undefined) return;
    if (this.#checkpoints.begin(this.#written)) {
      this.#thread.send({ kind: "checkpoint" });
      return;
    }
    if (this.#queue.length === 0) return;
    const urgent = this.#checkpoints.wanted || this.#waits.urgent;
    if (urgent || this.#queue.bytes >= BACKEND_TRANSACTION_BYTES) this.#send();
    else this.#lingering ??= setTimeout(() => this.#send(), BACKEND_LINGER_MS);
  }

  #send(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    if (this.#busy) return;
    const transaction = this.#queue.take(BACKEND_TRANSACTION_BYTES);
    if (transaction === undefined) return;
    const { packed, position, records, batches } = transaction;
    this.#inFlight = { position, batches, records, bytes: packed.length };
    const memory = packed.buffer as ArrayBuffer;
    this.#thread.send({ kind: "write", packed: memory, position }, [memory]);
  }

  #take(reply: BackendReply): void {
    if (reply.kind === "written") this.#onWritten(reply.seconds, reply.size);
    else if (reply.kind === "full") this.#full = fromFailure(reply.failure);
    else if (reply.kind === "room") this.#full = undefined;
    else if (reply.kind === "checkpointed") this.#onCheckpointed(reply.complete, reply.seconds);
    else if (reply.kind === "records") {
      const { packed, length } = reply;
      this.#loader.take(packed === null ? null : Buffer.from(packed, 0, length));
    }
  }

  #onWritten(seconds: number, size: StateSize): void {
    const done = this.#inFlight;
    if (done === undefined) return;
    this.#inFlight = undefined;
    this.#size = size;
    this.#writtenIndex = done.position.index;
    this.#written += done.batches;
    this.#hooks.onWrite?.(seconds, done.records, done.bytes);
    this.#waits.wrote(this.#written, this.pendingBytes <= MAX_BACKEND_QUEUE_BYTES);
    this.#checkpoints.wrote(done.bytes, this.#written);
    this.#pump();
  }

  #onCheckpointed(complete: boolean, seconds: number): void {
    if (complete) {
      this.#durableAppliedIndex = this.#writtenIndex;
      this.#hooks.onCheckpoint?.(this.#durableAppliedIndex, seconds);
    }
    this.#checkpoints.end(complete, this.#written, this.#durableAppliedIndex);
    this.#pump();
  }

  #fail(error: AtollError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#giveUp(error);
    // What a full disk refuses at the close is in the log.
    if (this.#closing !== undefined && error.code === "RESOURCE_EXHAUSTED") return;
    this.#hooks.onFailure(error);
  }

  /** Drops what is queued and refuses all that waits. */
  #giveUp(error: AtollError): void {
    this.#queue.clear();
    clearTimeout(this.#lingering);
    this.#checkpoints.fail(error);
    this.#loader.fail(error);
    this.#waits.fail(error);
  }
}
