import type { MessagePort } from "node:worker_threads";
import type { Failure } from "../../shared/sqlite/storage-error.js";
import type { SnapshotMetadata } from "../raft/types.js";
import type { LogHead, LogPlace } from "./log-file.js";
import type { RoomReply } from "./room.js";

/** What the log's worker starts with. */
export interface LogWorkerData {
  readonly place: LogPlace;
  /** Work arrives here; the worker looks only after the bell. */
  readonly port: MessagePort;
  /** One Int32 that is raised after each message; the worker sleeps on it. */
  readonly bell: SharedArrayBuffer;
  /** One Int32 that is raised when the log is being closed: nobody waits for room any more. */
  readonly closing: SharedArrayBuffer;
}

/** Work for the log's worker. An ArrayBuffer is a row to append. */
export type LogRequest =
  | ArrayBuffer
  | { readonly kind: "reset"; readonly base: SnapshotMetadata; readonly hard: ArrayBuffer }
  | { readonly kind: "compact"; readonly index: number; readonly term: number }
  | { readonly kind: "close" };

/** What the log's worker says. */
export type LogReply =
  /** At start: rows one after the other in `bytes`, each ending at one of `ends`. */
  | { readonly kind: "rows"; readonly bytes: ArrayBuffer; readonly ends: readonly number[] }
  | { readonly kind: "opened"; readonly head: LogHead }
  /** Everything through the append of this sequence number is on the disk. */
  | {
      readonly kind: "durable";
      readonly sequence: number;
      readonly seconds: number;
      readonly entries: number;
      readonly bytes: number;
    }
  | RoomReply
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "closed" };
