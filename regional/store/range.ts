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

/** What key and range_end mean when there is a range_end. */
function rangeOf(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = toBinaryKey(key);
  const open = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return { from, to: open ? undefined : toBinaryKey(rangeEnd) };
}

/** What key and range_end of a request mean: one key, or a range. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): BinaryKey | KeyRange {
  return rangeEnd.length === 0 ? toBinaryKey(key) : rangeOf(key, rangeEnd);
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

/** How many pairs a range had at a revision at or before the current one. */
function countRows(mvcc: Mvcc, keys: KeyRange, revision: number): number {
  if (revision === mvcc.readRevision) return mvcc.keys.count(keys.from, keys.to);
  let count = 0;
  mvcc.keys.scan(keys.from, keys.to, (history) => {
    if (history.at(revision) !== undefined) count++;
    return true;
  });
  return count;
}

/** The first `limit` pairs of a range at a revision. */
function rowsAt(mvcc: Mvcc, keys: KeyRange, revision: number, limit: number): Row[] {
  const rows: Row[] = [];
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

/** The filters of a request by revision; undefined when it has none. */
function filterOf(request: RangeRequest): ((row: Row) => boolean) | undefined {
  if (
    request.minModRevision === 0n &&
    request.maxModRevision === 0n &&
    request.minCreateRevision === 0n &&
    request.maxCreateRevision === 0n
  ) {
    return undefined;
  }
  const minMod = Number(request.minModRevision);
  const maxMod = Number(request.maxModRevision);
  const minCreate = Number(request.minCreateRevision);
  const maxCreate = Number(request.maxCreateRevision);
  return (row) =>
    (maxMod === 0 || row.modRevision <= maxMod) &&
    (minMod === 0 || row.modRevision >= minMod) &&
    (maxCreate === 0 || row.createRevision <= maxCreate) &&
    (minCreate === 0 || row.createRevision >= minCreate);
}

function answer(
  mvcc: Mvcc,
  request: RangeRequest,
  kvs: readonly Row[],
  more: boolean,
  count: number,
): RangeOutcome {
  const { keysOnly } = request;
  return { kind: "range", revision: mvcc.readRevision, kvs, keysOnly, more, count };
}

const NO_ROWS: readonly Row[] = [];

/** A range of one key: there is nothing to sort or to cut. */
function rangeOne(mvcc: Mvcc, request: RangeRequest, asked: number): RangeOutcome {
  const history = mvcc.keys.get(toBinaryKey(request.key));
  const row = asked > 0 ? history?.at(asked) : history?.current();
  if (row === undefined) return answer(mvcc, request, NO_ROWS, false, 0);
  const filter = filterOf(request);
  const wanted = !request.countOnly && (filter === undefined || filter(row));
  return answer(mvcc, request, wanted ? [row] : NO_ROWS, false, 1);
}

/**
 * Range as etcd does it (`server/etcdserver/apply.go`, applierV3backend.Range): the count
 * knows neither limit nor filters; filters apply before, the limit after sorting, but a
 * sort target without an order sorts only what the limit left.
 */
export function range(mvcc: Mvcc, request: RangeRequest): RangeOutcome | ErrorOutcome {
  const asked = request.revision === 0n ? 0 : Number(request.revision);
  const error = request.key.length === 0 ? ETCD_ERRORS.emptyKey : revisionError(mvcc, asked);
  if (error !== undefined) return { kind: "error", revision: mvcc.revision, error };
  if (request.rangeEnd.length === 0) return rangeOne(mvcc, request, asked);
  const revision = asked > 0 ? asked : mvcc.readRevision;
  const keys = rangeOf(request.key, request.rangeEnd);
  if (request.countOnly) {
    return answer(mvcc, request, NO_ROWS, false, countRows(mvcc, keys, revision));
  }
  const filter = filterOf(request);
  const limit = request.limit > 0n ? Number(request.limit) : Number.POSITIVE_INFINITY;
  const needsAll = filter !== undefined || request.sortOrder !== SortOrder.NONE;
  const enough = needsAll ? Number.POSITIVE_INFINITY : limit + 1;
  const found = rowsAt(mvcc, keys, revision, enough);
  const count = found.length < enough ? found.length : countRows(mvcc, keys, revision);
  const kept = filter === undefined ? found : found.filter(filter);
  const kvs = sortRows(kept, request.sortOrder, request.sortTarget);
  if (kvs.length <= limit) return answer(mvcc, request, kvs, false, count);
  return answer(mvcc, request, kvs.slice(0, limit), true, count);
}
