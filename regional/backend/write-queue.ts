import type { SnapshotMetadata } from "../raft/types.js";
import { type BackendRecord, RecordTable } from "../store/records.js";
import { packedSize, packRecord } from "./packed.js";

interface Batch {
  readonly records: readonly BackendRecord[];
  readonly position: SnapshotMetadata;
  /** How many of the records are to be written. */
  count: number;
  /** Packed bytes of those. */
  bytes: number;
}

/** Batches joined for one transaction. */
export interface Transaction {
  readonly packed: Buffer;
  readonly position: SnapshotMetadata;
  readonly records: number;
  readonly batches: number;
}

/** Batches of records that wait to be written, in order. */
export class WriteQueue {
  #batches: Batch[] = [];
  #bytes = 0;

  /** Packed bytes of all that waits. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#batches.length;
  }

  add(records: readonly BackendRecord[], position: SnapshotMetadata): void {
    let bytes = 0;
    for (const record of records) bytes += packedSize(record);
    const batch = { records, position, count: records.length, bytes };
    this.#supersede(batch);
    this.#batches.push(batch);
    this.#bytes += bytes;
  }

  /** Drops the meta record at the end of the last batch if the next batch has a newer one. */
  #supersede(next: Batch): void {
    const last = this.#batches.at(-1);
    const older = last?.records.at(-1);
    if (last === undefined || older?.table !== RecordTable.meta) return;
    const newer = next.records.at(-1);
    if (newer?.table !== RecordTable.meta || newer.key !== older.key) return;
    const size = packedSize(older);
    last.count--;
    last.bytes -= size;
    this.#bytes -= size;
  }

  /** Takes batches of up to `maxBytes`, at least one, as one transaction. */
  take(maxBytes: number): Transaction | undefined {
    let size = 0;
    let taken = 0;
    for (const { bytes } of this.#batches) {
      if (taken > 0 && size + bytes > maxBytes) break;
      size += bytes;
      taken++;
    }
    const batches = this.#batches.splice(0, taken);
    const last = batches.at(-1);
    if (last === undefined) return undefined;
    this.#bytes -= size;
    const packed = Buffer.allocUnsafeSlow(size);
    let at = 0;
    let written = 0;
    for (const { records, count } of batches) {
      for (let i = 0; i < count; i++) at = packRecord(records[i] as BackendRecord, packed, at);
      written += count;
    }
    return { packed, position: last.position, records: written, batches: taken };
  }

  /** Forgets everything. */
  clear(): void {
    this.#batches = [];
    this.#bytes = 0;
  }
}
