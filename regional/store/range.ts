import type { BinaryKey } from "../../shared/bytes.js";
import { toBinaryKey } from "../../shared/bytes.js";
import {
  type RangeRequest,
  RangeRequest_SortOrder as SortOrder,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { ETCD_ERRORS, type EtcdError } from "./etcd-errors.js";
import type { Mvcc } from "./mvcc.js";
import type { ErrorOutcome, RangeOutcome } from "./outcome.js";
import type { Row } from "./row.js";
import { sortRows } from "./sort.js";

/** Keys [from, to); `to` undefined: to the end. */
export interface KeyRange {
  readonly from: BinaryKey;
  readonly to: BinaryKey | undefined;
}

/** What key and range_end of a request mean: one key, or a range. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): BinaryKey | KeyRange {
  const from = toBinaryKey(key);
  if (rangeEnd.length === 0) return from;
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from, to: undefined };
  return { from, to: toBinaryKey(rangeEnd) };
}

/** The pairs of a key or range as they are now, within an uncommitted command too. */
export function currentRows(mvcc: Mvcc, keys: BinaryKey | KeyRange): Row[] {
  const rows: Row[] = [];
  if (typeof keys === "string") {
    const row = mvcc.keys.get(keys)?.current();
    if (row !== undefined) rows.push(row);
    return rows;
  }
  mvcc.keys.scan(keys.from, keys.to, (history) => {
    const row = history.current();
    if (row !== undefined) rows.push(row);
    return true;
  });
  return rows;
}

/** How many pairs a key or range had at a revision at or before the current one. */
function countRows(mvcc: Mvcc, keys: BinaryKey | KeyRange, revision: number): number {
  if (typeof keys === "string") {
    return mvcc.keys.get(keys)?.at(revision) === undefined ? 0 : 1;
  }
  if (revision === mvcc.readRevision) return mvcc.keys.count(keys.from, keys.to);
  let count = 0;
  mvcc.keys.scan(keys.from, keys.to, (history) => {
    if (history.at(revision) !== undefined) count++;
    return true;
  });
  return count;
}

/** The first `limit` pairs of a key or range at a revision. */
function rowsAt(mvcc: Mvcc, keys: BinaryKey | KeyRange, revision: number, limit: number): Row[] {
  const rows: Row[] = [];
  if (typeof keys === "string") {
    const row = mvcc.keys.get(keys)?.at(revision);
    if (row !== undefined) rows.push(row);
    return rows;
  }
  mvcc.keys.scan(keys.from, keys.to, (history) => {
    const row = history.at(revision);
    if (row !== undefined) rows.push(row);
    return rows.length < limit;
  });
  return rows;
}

/** Why a read at a requested revision can't be; 0 or less asks for the current one. */
function revisionError(mvcc: Mvcc, revision: number): EtcdError | undefined {
  if (revision > mvcc.readRevision) return ETCD_ERRORS.futureRevision;
  if (revision > 0 && revision < mvcc.compactRevision) return ETCD_ERRORS.compacted;
  return undefined;
}

function filtered(rows: Row[], request: RangeRequest): Row[] {
  const minMod = Number(request.minModRevision);
  const maxMod = Number(request.maxModRevision);
  const minCreate = Number(request.minCreateRevision);
  const maxCreate = Number(request.maxCreateRevision);
  if (minMod === 0 && maxMod === 0 && minCreate === 0 && maxCreate === 0) return rows;
  return rows.filter(
    (row) =>
      (maxMod === 0 || row.modRevision <= maxMod) &&
      (minMod === 0 || row.modRevision >= minMod) &&
      (maxCreate === 0 || row.createRevision <= maxCreate) &&
      (minCreate === 0 || row.createRevision >= minCreate),
  );
}

/** Whether the request must see all pairs before it can cut to its limit. */
function needsAll(request: RangeRequest): boolean {
  return (
    request.sortOrder !== SortOrder.NONE ||
    request.minModRevision !== 0n ||
    request.maxModRevision !== 0n ||
    request.minCreateRevision !== 0n ||
    request.maxCreateRevision !== 0n
  );
}

/**
 * Range as etcd does it (`server/etcdserver/apply.go`, applierV3backend.Range): the count
 * knows neither limit nor filters; filters apply before, the limit after sorting, but a
 * sort target without an order sorts only what the limit left.
 */
export function range(mvcc: Mvcc, request: RangeRequest): RangeOutcome | ErrorOutcome {
  const asked = Number(request.revision);
  const error = request.key.length === 0 ? ETCD_ERRORS.emptyKey : revisionError(mvcc, asked);
  if (error !== undefined) return { kind: "error", revision: mvcc.revision, error };
  const revision = asked > 0 ? asked : mvcc.readRevision;
  const keys = keyRange(request.key, request.rangeEnd);
  const keysOnly = request.keysOnly;
  const result = { kind: "range", revision: mvcc.readRevision, keysOnly } as const;
  if (request.countOnly) {
    return { ...result, kvs: [], more: false, count: countRows(mvcc, keys, revision) };
  }
  const limit = request.limit > 0n ? Number(request.limit) : Number.POSITIVE_INFINITY;
  const enough = needsAll(request) ? Number.POSITIVE_INFINITY : limit + 1;
  const found = rowsAt(mvcc, keys, revision, enough);
  const count = found.length < enough ? found.length : countRows(mvcc, keys, revision);
  const kvs = sortRows(filtered(found, request), request.sortOrder, request.sortTarget);
  if (kvs.length <= limit) return { ...result, kvs, more: false, count };
  return { ...result, kvs: kvs.slice(0, limit), more: true, count };
}
