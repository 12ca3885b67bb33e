import type { Identity } from "../log/directory.js";
import type { DurableLog, LogHooks } from "../log/durable-log.js";
import type { ConfState, SnapshotMetadata } from "../raft/types.js";
import type { Backend, BackendHooks } from "./backend.js";

/** How a member's storage is opened. */
export interface StorageOptions {
  /** Data directory; made when it isn't there. */
  readonly path: string;
  readonly identity: Identity;
  /** Membership that a new, empty log starts with (at index 0, term 0). */
  readonly initial: ConfState;
  readonly logHooks: LogHooks;
  readonly backendHooks: BackendHooks;
}

/** A snapshot on its way in: its bytes go to a staging file of the data directory. */
export interface IncomingSnapshot {
  /** Bytes received so far; the next chunk's offset. */
  readonly received: number;
  /** Appends a chunk. Rejects when the disk refuses. */
  write(chunk: Uint8Array): Promise<void>;
  /** fsyncs and verifies the file against the position it claims. */
  finish(): Promise<SnapshotMetadata>;
  /** Drops the file. */
  abort(): Promise<void>;
}

/** A member's log and state, opened together and known to fit each other. */
export interface MemberStorage {
  readonly log: DurableLog;
  /** Replaced by `install`: always read it from here. */
  readonly backend: Backend;
  /** Begins to receive a snapshot; one that was under way is dropped. */
  receive(): Promise<IncomingSnapshot>;
  /**
   * Installs the snapshot that was received and finished: replaces the state database and
   * resets the log to its position. A crash at any moment leaves either the old member or
   * one whose next start completes the install. Afterwards `backend` is a new one, to be
   * loaded by the caller.
   */
  install(position: SnapshotMetadata): Promise<void>;
  /** Closes both, then gives the directory back. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens a data directory: takes its lock, checks version and identity, completes a
 * half-done install, opens and verifies log and state, and refuses state that is behind
 * the log's base, ahead of the log's end, or without its log.
 */
export type OpenStorage = (options: StorageOptions) => Promise<MemberStorage>;
