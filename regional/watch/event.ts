import type { KvRow } from "../store/row.js";
import { varintSize, writeVarint } from "../store/wire.js";

/** One change as watchers are told of it; shared by all watchers, its bytes made once. */
export interface WatchEvent {
  readonly row: KvRow;
  /** State before the change, if it existed and was not compacted. */
  previous(): KvRow | undefined;
  /**
   * The event as field 11 of a WatchResponse: tag, length, encoded mvccpb.Event, with or
   * without prev_kv. Concatenate these of all events of a response. Don't change it.
   */
  field(withPrevKv: boolean): Uint8Array;
}

/** Tags of WatchResponse.events and of mvccpb.Event's fields. */
const EVENTS = 0x5a;
const TYPE = 0x08;
const DELETE = 1;
const KV = 0x12;
const PREV_KV = 0x1a;

/** Reads the state before a row. */
export type PreviousOf = (row: KvRow) => KvRow | undefined;

function fieldSize(length: number): number {
  return 1 + varintSize(length) + length;
}

function writeRow(into: Uint8Array, at: number, tag: number, row: KvRow): number {
  into[at] = tag;
  return row.copyTo(into, writeVarint(into, at + 1, row.byteLength));
}

/** A WatchEvent that encodes itself when it is first asked to. */
export class SharedEvent implements WatchEvent {
  readonly row: KvRow;
  readonly #previousOf: PreviousOf;
  #plain: Uint8Array | undefined;
  #withPrevKv: Uint8Array | undefined;

  constructor(row: KvRow, previousOf: PreviousOf) {
    this.row = row;
    this.#previousOf = previousOf;
  }

  previous(): KvRow | undefined {
    return this.#previousOf(this.row);
  }

  field(withPrevKv: boolean): Uint8Array {
    if (withPrevKv) {
      this.#withPrevKv ??= this.#encode(this.previous());
      return this.#withPrevKv;
    }
    this.#plain ??= this.#encode(undefined);
    return this.#plain;
  }

  #encode(previous: KvRow | undefined): Uint8Array {
    const { row } = this;
    const isDelete = row.version === 0;
    const length =
      (isDelete ? 2 : 0) +
      fieldSize(row.byteLength) +
      (previous === undefined ? 0 : fieldSize(previous.byteLength));
    const bytes = new Uint8Array(fieldSize(length));
    bytes[0] = EVENTS;
    let at = writeVarint(bytes, 1, length);
    if (isDelete) {
      bytes[at++] = TYPE;
      bytes[at++] = DELETE;
    }
    at = writeRow(bytes, at, KV, row);
    if (previous !== undefined) writeRow(bytes, at, PREV_KV, previous);
    return bytes;
  }
}
