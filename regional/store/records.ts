import { fromUtf8, utf8 } from "../../shared/bytes.js";
import type { ConfState } from "../raft/types.js";
import { CHAIN_VERSION, isChainValue } from "./chain.js";
import type { LeaseInfo } from "./lease-table.js";

/**
 * The state as records, for the state database and for snapshots. Whoever keeps them
 * leaves them as they are: a record replaces the one of the same table and key, one
 * without value removes it.
 */

/** Format version of the records that this code makes; it is in the meta record. */
export const RECORDS_VERSION = 2;

/** The tables, in the order in which loading wants them. Numbers are on disk. */
export const RecordTable = {
  /** Key META_KEY only: format version, revisions, applied position, membership. */
  meta: 1,
  /** Key: member id (number). Value: etcdserverpb.Member. */
  members: 2,
  /** Key: lease id plus 2^63 as 8 bytes, big-endian, so that they sort by id. Value: lease row. */
  leases: 3,
  /** Key: ordinal of the write (number). Value: mvccpb.KeyValue; version 0 marks a deletion. */
  rows: 4,
  /** Key: id (number) of a member that was removed. Value: etcdserverpb.Member, as it last was. */
  removedMembers: 5,
} as const;
export type RecordTable = (typeof RecordTable)[keyof typeof RecordTable];

/** Key of the one meta record. */
export const META_KEY = 0;

/** One row of the state database. Immutable. */
export interface BackendRecord {
  readonly table: RecordTable;
  /** A safe integer of at least 0, or bytes; all keys of one table are of one kind. */
  readonly key: number | Uint8Array;
  /** null: remove the record with this key, if there is one. May be a view of more memory. */
  readonly value: Uint8Array | null;
}

/** What the meta record says. */
export interface Meta {
  readonly version: number;
  readonly revision: number;
  readonly compactRevision: number;
  /** Ordinal of the next write. */
  readonly nextOrdinal: number;
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
  /** Version and value of the hash chain at `index`. */
  readonly chain: { readonly version: number; readonly value: string };
}

/** The meta record: JSON, so that people can read it in the database. */
export function metaRecord(meta: Meta): BackendRecord {
  return { table: RecordTable.meta, key: META_KEY, value: utf8(JSON.stringify(meta)) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

/** Reads the meta record's value; a text that says what is wrong when it isn't one. */
export function readMeta(value: Uint8Array): Meta | string {
  let meta: Partial<Meta> | null;
  try {
    meta = JSON.parse(fromUtf8(value)) as Partial<Meta> | null;
  } catch {
    return "is not JSON";
  }
  if (typeof meta !== "object" || meta === null) return "is not an object";
  if (meta.version !== RECORDS_VERSION) {
    return `has format version ${meta.version}, this program reads ${RECORDS_VERSION}`;
  }
  const { revision, compactRevision, nextOrdinal, index, term, confState, chain } = meta;
  if (!isCount(revision) || revision < 1) return "has no revision";
  if (!Number.isSafeInteger(compactRevision)) return "has no compactRevision";
  if (!isCount(nextOrdinal)) return "has no nextOrdinal";
  if (!isCount(index) || !isCount(term)) return "has no applied position";
  if (
    !isIds(confState?.voters) ||
    !isIds(confState.learners) ||
    !isIds(confState.votersOutgoing) ||
    !isIds(confState.learnersNext) ||
    typeof confState.autoLeave !== "boolean"
  ) {
    return "has no membership";
  }
  if (!isChainValue(chain?.value)) return "has no hash chain";
  if (chain.version !== CHAIN_VERSION) {
    return `has a hash chain of version ${chain.version}, this program continues ${CHAIN_VERSION}`;
  }
  return meta as Meta;
}

const LEASE_ID_OFFSET = 2n ** 63n;

/** Key of a lease's record. */
function leaseKey(id: bigint): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, id + LEASE_ID_OFFSET);
  return key;
}

/** Bytes of a lease's value: two 64-bit integers, granted and remaining seconds. */
const LEASE_VALUE_BYTES = 16;

/** The record of a lease, or of its end. */
export function leaseRecord(id: bigint, lease: LeaseInfo | undefined): BackendRecord {
  const key = leaseKey(id);
  if (lease === undefined) return { table: RecordTable.leases, key, value: null };
  const value = new Uint8Array(LEASE_VALUE_BYTES);
  const view = new DataView(value.buffer);
  view.setBigInt64(0, BigInt(lease.ttl));
  view.setBigInt64(8, BigInt(lease.remainingTtl));
  return { table: RecordTable.leases, key, value };
}

/** Reads a lease's record; undefined when it isn't one. */
export function readLease(key: Uint8Array, value: Uint8Array): LeaseInfo | undefined {
  if (key.length !== 8 || value.length !== LEASE_VALUE_BYTES) return undefined;
  const view = new DataView(value.buffer, value.byteOffset);
  return {
    id: new DataView(key.buffer, key.byteOffset).getBigUint64(0) - LEASE_ID_OFFSET,
    ttl: Number(view.getBigInt64(0)),
    remainingTtl: Number(view.getBigInt64(8)),
  };
}
