import type { BinaryKey } from "../../shared/bytes.js";
import type { KvRow } from "../store/row.js";
import type { WatchEvent } from "./event.js";

/**
 * Where one Watch call's messages go. Each method sends one WatchResponse and returns
 * false when the peer is slow: then nothing more is sent to it until WatchStream.drained()
 * is called; what happens meanwhile is read from history afterwards. A message for which
 * it returned false has been taken all the same. Methods must not throw and must not call
 * the hub.
 */
export interface WatchSink {
  /**
   * Events of one watcher, in order; `revision` goes into the header. `fragment`: more of
   * the same follows (WatchResponse.fragment).
   */
  events(
    watchId: bigint,
    revision: number,
    events: readonly WatchEvent[],
    prevKv: boolean,
    fragment: boolean,
  ): boolean;
  /** All events through `revision` were sent; id -1n speaks for all watchers of the stream. */
  progress(watchId: bigint, revision: number): boolean;
  /** The watcher is gone: it wanted events that were compacted away (canceled = true). */
  compacted(watchId: bigint, revision: number, compactRevision: number): boolean;
}

/** What a WatchCreateRequest asks for, with etcd's defaults filled in by `create`. */
export interface WatchOptions {
  /** Empty: the first key, as in etcd. */
  readonly key: BinaryKey;
  /** Empty: this key only; "\0": all keys from `key` on. */
  readonly rangeEnd: BinaryKey;
  /** 0: after the current revision. Negative ones are answered by `compacted`. */
  readonly startRevision: number;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly prevKv: boolean;
  readonly progressNotify: boolean;
  readonly fragment: boolean;
  /** 0n: chosen by the stream. */
  readonly watchId: bigint;
}

/**
 * The answer to a creation: to be sent as `created` (with `canceled`, id -1 and the reason
 * when it failed) before anything else reaches the sink, which the hub ensures by sending
 * nothing from within `create`.
 */
export interface WatchCreated {
  readonly watchId: bigint;
  /** For the header. */
  readonly revision: number;
  /** undefined: it watches. Else etcd's text for cancel_reason. */
  readonly failure: string | undefined;
}

/** One Watch call. */
export interface WatchStream {
  create(options: WatchOptions): WatchCreated;
  /** False when there is no such watcher. */
  cancel(watchId: bigint): boolean;
  /** Asks for progress(-1n), sent as soon as all watchers of the stream are caught up. */
  requestProgress(): void;
  /** The sink can take more again. */
  drained(): void;
  /** Ends all its watchers. Idempotent. */
  close(): void;
  /** Watchers that it holds. */
  readonly size: number;
}

/** What the hub reads of the state. */
export interface WatchHistory {
  readonly currentRevision: number;
  readonly compactRevision: number;
  rowsSince(revision: number, limit: number): { rows: readonly KvRow[]; next: number };
  previous(row: KvRow): KvRow | undefined;
}
