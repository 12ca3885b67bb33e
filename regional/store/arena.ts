import type { BinaryKey } from "../../shared/bytes.js";
import { STORE_SLAB_BYTES } from "../../shared/limits.js";
import { KV_TAG, Row, type RowFields, type RowLease, Slab } from "./row.js";
import { varintSize, writeVarint } from "./wire.js";

/** Keys up to this length are written character by character, which is faster then. */
const SHORT_KEY = 48;

function writeKey(into: Buffer, at: number, key: BinaryKey): number {
  into[at] = KV_TAG.key;
  const start = writeVarint(into, at + 1, key.length);
  if (key.length > SHORT_KEY) return start + into.write(key, start, "latin1");
  for (let i = 0; i < key.length; i++) into[start + i] = key.charCodeAt(i);
  return start + key.length;
}

function writeNumber(into: Buffer, at: number, tag: number, value: number): number {
  into[at] = tag;
  return writeVarint(into, at + 1, value);
}

/**
 * The bytes of all rows, each an encoded mvccpb.KeyValue, in slabs: one copy of a value,
 * no object of its own for the collector, and the frame it came in is let go. Slabs that
 * are mostly dead are cleared by moving what lives.
 */
export class Arena {
  #current = new Slab(STORE_SLAB_BYTES);
  /** Sealed slabs that are mostly dead. */
  #sparse: Slab[] = [];
  /** Bytes of rows that are not dead. */
  live = 0;

  /** Writes a pair, whose value is source[start, end). */
  put(
    key: BinaryKey,
    createRevision: number,
    modRevision: number,
    version: number,
    lease: RowLease | undefined,
    ordinal: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): Row {
    const valueLength = end - start;
    let size = 1 + varintSize(key.length) + key.length;
    size += 3 + varintSize(createRevision) + varintSize(modRevision) + varintSize(version);
    if (valueLength > 0) size += 1 + varintSize(valueLength) + valueLength;
    if (lease !== undefined) size += 1 + lease.varint.length;
    const slab = this.#room(size);
    const { bytes } = slab;
    let at = writeKey(bytes, slab.used, key);
    at = writeNumber(bytes, at, KV_TAG.createRevision, createRevision);
    at = writeNumber(bytes, at, KV_TAG.modRevision, modRevision);
    at = writeNumber(bytes, at, KV_TAG.version, version);
    if (valueLength > 0) {
      at = writeNumber(bytes, at, KV_TAG.value, valueLength);
      bytes.set(source.length === valueLength ? source : source.subarray(start, end), at);
      at += valueLength;
    }
    if (lease !== undefined) {
      bytes[at] = KV_TAG.lease;
      bytes.set(lease.varint, at + 1);
    }
    return this.#place(
      new Row(
        key,
        createRevision,
        modRevision,
        version,
        lease === undefined ? 0n : lease.id,
        ordinal,
        slab,
        slab.used,
        size,
      ),
    );
  }

  /** Writes the deletion of a key. */
  tombstone(key: BinaryKey, modRevision: number, ordinal: number): Row {
    const size = 2 + varintSize(key.length) + key.length + varintSize(modRevision);
    const slab = this.#room(size);
    const at = writeKey(slab.bytes, slab.used, key);
    writeNumber(slab.bytes, at, KV_TAG.modRevision, modRevision);
    return this.#place(new Row(key, 0, modRevision, 0, 0n, ordinal, slab, slab.used, size));
  }

  /** Takes in a row that was encoded before. */
  adopt(fields: RowFields, ordinal: number, encoded: Uint8Array): Row {
    const { key, createRevision, modRevision, version, lease } = fields;
    const size = encoded.length;
    const slab = this.#room(size);
    slab.bytes.set(encoded, slab.used);
    const id = lease === undefined ? 0n : lease.id;
    return this.#place(
      new Row(key, createRevision, modRevision, version, id, ordinal, slab, slab.used, size),
    );
  }

  /** Says that a row is no longer needed. */
  release(row: Row): void {
    const { slab } = row;
    row.dead = true;
    slab.live -= row.byteLength;
    this.live -= row.byteLength;
    if (slab.sealed) this.#watch(slab, slab.live + row.byteLength);
  }

  /** Clears out one sparse slab; false when there is none. */
  clearOne(): boolean {
    const slab = this.#sparse.pop();
    if (slab === undefined) return false;
    for (const row of slab.rows) {
      if (!row.dead) this.#move(row);
    }
    return true;
  }

  #move(row: Row): void {
    const slab = this.#room(row.byteLength);
    row.copyTo(slab.bytes, slab.used);
    this.live -= row.byteLength;
    row.slab = slab;
    row.offset = slab.used;
    this.#place(row);
  }

  /** A slab with `size` bytes free; a large row gets one of its own. */
  #room(size: number): Slab {
    const current = this.#current;
    if (current.used + size <= current.bytes.length) return current;
    if (size > STORE_SLAB_BYTES / 4) {
      const own = new Slab(size);
      own.sealed = true;
      return own;
    }
    current.sealed = true;
    this.#watch(current, Number.POSITIVE_INFINITY);
    this.#current = new Slab(STORE_SLAB_BYTES);
    return this.#current;
  }

  #place(row: Row): Row {
    const { slab } = row;
    slab.used += row.byteLength;
    slab.live += row.byteLength;
    this.live += row.byteLength;
    slab.rows.push(row);
    return row;
  }

  /** Notes a slab that has just become half dead; one without any life is simply forgotten. */
  #watch(slab: Slab, before: number): void {
    const half = slab.used / 2;
    if (slab.live < half && before >= half) this.#sparse.push(slab);
  }
}
