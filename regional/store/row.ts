import type { BinaryKey } from "../../shared/bytes.js";

/**
 * One write to one key: the pair as it was from revision `modRevision` on, or the key's
 * deletion. It is both what reads return and what watchers are told. Immutable to readers.
 * Its bytes lie in memory shared with other rows: views of them are to be encoded or
 * copied soon, not kept.
 */
export interface KvRow {
  readonly key: BinaryKey;
  /** Revision that began the key's current life; 0 in a deletion. */
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes since creation, the first being 1; 0 marks a deletion. */
  readonly version: number;
  /** 0n for none. */
  readonly lease: bigint;
  /** Place in the order of all writes of all time. */
  readonly ordinal: number;
  /** Length of `bytes()`. */
  readonly byteLength: number;
  /** The row as an encoded mvccpb.KeyValue; a deletion has key and mod_revision only. A view. */
  bytes(): Uint8Array;
  /** Copies `bytes()` into `target` at `at`; returns the position after it. */
  copyTo(target: Uint8Array, at: number): number;
  /** Encoded mvccpb.KeyValue without the value. */
  keyBytes(): Uint8Array;
  /** The value; empty in a deletion. A view. */
  value(): Uint8Array;
}
