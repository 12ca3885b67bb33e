import type { AtollError } from "../../shared/errors.js";
import type { SnapshotMetadata } from "../raft/types.js";
import type { BackendRecord } from "../store/records.js";

/** What the owner of a backend is told; all calls come on the event loop. */
export interface BackendHooks {
  /** The database can't be read or written any more. Called once; the member must stop. */
  onFailure(error: AtollError): void;
  /** A checkpoint completed: state through `durableAppliedIndex` survives a power cut. */
  onCheckpoint?(durableAppliedIndex: number, seconds: number): void;
  /** A transaction was written: seconds in the worker, records and bytes. */
  onWrite?(seconds: number, records: number, bytes: number): void;
}

/** A consistent image of the state that was written to a file. */
export interface BackendImage {
  readonly file: string;
  readonly bytes: number;
  /** Position in the log that the image stands at, and the membership there. */
  readonly position: SnapshotMetadata;
}

/**
 * The state database: records as the store made them, written behind by a worker thread,
 * with the applied position in the same transaction. Memory is the truth for reads; this
 * is for restarts and for followers that fell behind.
 */
export interface Backend {
  /** Position of the last transaction found at opening; index 0 when there is none. */
  readonly loaded: SnapshotMetadata;
  /** All records, in batches, in the order of (table, key). Once, before the first write. */
  load(): AsyncIterable<readonly BackendRecord[]>;
  /**
   * Queues the records of entries through `applied.index`. Calls that wait share a
   * transaction. `logDurableIndex` is the local log's durable index: applied.index may not
   * be past it (throws otherwise). The records must not be changed afterwards.
   */
  write(
    records: readonly BackendRecord[],
    applied: SnapshotMetadata,
    logDurableIndex: number,
  ): void;
  /** Makes everything written so far survive a power cut; resolves with its applied index. */
  checkpoint(): Promise<number>;
  /** Writes a consistent image to `file`, which must not exist. Writes go on meanwhile. */
  snapshotTo(file: string): Promise<BackendImage>;
  /** State through this index survives a power cut; the log may be cut only below it. */
  readonly durableAppliedIndex: number;
  /** Bytes queued and not yet written; the caller slows down past MAX_BACKEND_QUEUE_BYTES. */
  readonly pendingBytes: number;
  /** Resolves when pendingBytes is below the bound again. */
  drained(): Promise<void>;
  /** Bytes on disk, and bytes of them in use. */
  readonly size: { readonly total: number; readonly inUse: number };
  /** Writes and checkpoints everything queued, then closes the file. Idempotent. */
  close(): Promise<void>;
}
