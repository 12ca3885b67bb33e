import { type BackendRecord, META_KEY, RecordTable } from "../../../regional/store/records.js";

export function row(ordinal: number, text: string | null): BackendRecord {
  return { table: RecordTable.rows, key: ordinal, value: text === null ? null : Buffer.from(text) };
}

export function lease(id: number, text: string | null): BackendRecord {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(BigInt(id));
  return { table: RecordTable.leases, key, value: text === null ? null : Buffer.from(text) };
}

export function meta(text: string): BackendRecord {
  return { table: RecordTable.meta, key: META_KEY, value: Buffer.from(text) };
}
