import type { BinaryKey } from "../../shared/bytes.js";
import { readVarint, skipVarint } from "./wire.js";

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

/** A lease as rows carry it. */
export interface RowLease {
  readonly id: bigint;
  /** The id as a varint. */
  readonly varint: Uint8Array;
}

/** What an encoded row says, its value aside. */
export interface RowFields {
  readonly key: BinaryKey;
  /** 0 in a deletion, as is the version. */
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: RowLease | undefined;
}

/** Tags of mvccpb.KeyValue's fields. */
export const KV_TAG = {
  key: 0x0a,
  createRevision: 0x10,
  modRevision: 0x18,
  version: 0x20,
  value: 0x2a,
  lease: 0x30,
} as const;

/** A piece of memory that holds the bytes of many rows one after another. */
export class Slab {
  readonly bytes: Buffer;
  /** The same memory, for reading words. */
  readonly view: DataView;
  /** Bytes taken from the start. */
  used = 0;
  /** Bytes of rows that are still needed. */
  live = 0;
  /** Full: nothing is added to it any more. */
  sealed = false;
  /** Rows placed here, dead ones included. */
  readonly rows: Row[] = [];

  constructor(size: number) {
    // Not pooled and not zeroed: each byte is written before it is read.
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
  }
}

/** A row and the place of its bytes, which moves when its slab is cleared out. */
export class Row implements KvRow {
  readonly key: BinaryKey;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
  readonly ordinal: number;
  readonly byteLength: number;
  slab: Slab;
  offset: number;
  /** Compacted away: its bytes stay readable for those who hold it, but move no more. */
  dead = false;

  constructor(
    key: BinaryKey,
    createRevision: number,
    modRevision: number,
    version: number,
    lease: bigint,
    ordinal: number,
    slab: Slab,
    offset: number,
    byteLength: number,
  ) {
    this.key = key;
    this.createRevision = createRevision;
    this.modRevision = modRevision;
    this.version = version;
    this.lease = lease;
    this.ordinal = ordinal;
    this.slab = slab;
    this.offset = offset;
    this.byteLength = byteLength;
  }

  bytes(): Uint8Array {
    const { bytes } = this.slab;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + this.offset, this.byteLength);
  }

  copyTo(target: Uint8Array, at: number): number {
    target.set(this.bytes(), at);
    return at + this.byteLength;
  }

  keyBytes(): Uint8Array {
    const all = this.bytes();
    const { tag, end } = valueField(all);
    if (tag === end) return all;
    const short = new Uint8Array(tag + all.length - end);
    short.set(all.subarray(0, tag));
    short.set(all.subarray(end), tag);
    return short;
  }

  value(): Uint8Array {
    const all = this.bytes();
    const { start, end } = valueField(all);
    return all.subarray(start, end);
  }
}

/** The value field of an encoded row: its tag is at `tag`, the value is [start, end). */
function valueField(row: Uint8Array): { tag: number; start: number; end: number } {
  // First the key, then integers, then the value: the order in which Arena writes.
  let at = skipVarint(row, 1) + readVarint(row, 1, row.length);
  while (at < row.length && row[at] !== KV_TAG.value) at = skipVarint(row, at + 1);
  if (at >= row.length) return { tag: at, start: at, end: at };
  const start = skipVarint(row, at + 1);
  return { tag: at, start, end: start + readVarint(row, at + 1, row.length) };
}
