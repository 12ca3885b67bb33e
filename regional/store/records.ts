/**
 * The state as records, for the state database and for snapshots. DISK keeps them as they
 * are: a record replaces the one of the same table and key, one without value removes it.
 */

/** Format version of the records that this code makes; it is in the meta record. */
export const RECORDS_VERSION = 1;

/** The tables, in the order in which loading wants them. Numbers are on disk. */
export const RecordTable = {
  /** Key META_KEY only: format version, revisions, applied position, membership. */
  meta: 1,
  /** Key: member id (number). Value: etcdserverpb.Member. */
  members: 2,
  /** Key: lease id (8 bytes, big-endian two's complement). Value: lease row. */
  leases: 3,
  /** Key: ordinal of the write (number). Value: mvccpb.KeyValue; version 0 marks a deletion. */
  rows: 4,
} as const;
export type RecordTable = (typeof RecordTable)[keyof typeof RecordTable];

/** Key of the one meta record. */
export const META_KEY = 0;

/** One row of the state database. Immutable. */
export interface BackendRecord {
  readonly table: RecordTable;
  /** A safe integer of at least 0, or bytes; all keys of one table are of one kind. */
  readonly key: number | Uint8Array;
  /** null: remove the record with this key, if there is one. */
  readonly value: Uint8Array | null;
}
