import { type BinaryKey, toBinaryKey } from "../../shared/bytes.js";
import {
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type RequestOp,
  type TxnRequest,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_TXN_OPS } from "../../shared/limits.js";
import { ETCD_ERRORS, type EtcdError, etcdError } from "../store/etcd-errors.js";
import { KeyIntervals } from "./key-intervals.js";

/**
 * What etcd refuses before a request reaches the state machine. Rules, order of checks and
 * texts: etcd `server/etcdserver/api/v3rpc/key.go`.
 */

function refuseIf(condition: boolean, error: EtcdError): void {
  if (condition) throw etcdError(error);
}

/** Throws etcd's error when a range can't be served whatever the state is. */
export function checkRange(request: RangeRequest): void {
  refuseIf(request.key.length === 0, ETCD_ERRORS.emptyKey);
  refuseIf(
    RangeRequest_SortOrder[request.sortOrder] === undefined ||
      RangeRequest_SortTarget[request.sortTarget] === undefined,
    ETCD_ERRORS.invalidSortOption,
  );
}

/** Throws etcd's error when a put can't be served whatever the state is. */
export function checkPut(request: PutRequest): void {
  refuseIf(request.key.length === 0, ETCD_ERRORS.emptyKey);
  refuseIf(request.ignoreValue && request.value.length !== 0, ETCD_ERRORS.valueProvided);
  refuseIf(request.ignoreLease && request.lease !== 0n, ETCD_ERRORS.leaseProvided);
}

/** Throws etcd's error when a delete can't be served whatever the state is. */
export function checkDelete(request: DeleteRangeRequest): void {
  refuseIf(request.key.length === 0, ETCD_ERRORS.emptyKey);
}

function checkOp({ request }: RequestOp, maxOps: number): void {
  switch (request.case) {
    case "requestRange":
      return checkRange(request.value);
    case "requestPut":
      return checkPut(request.value);
    case "requestDeleteRange":
      return checkDelete(request.value);
    case "requestTxn":
      return checkShape(request.value, maxOps);
    case undefined:
      throw etcdError(ETCD_ERRORS.keyNotFound);
  }
}

/** Sizes and operations. Each level leaves the levels below fewer operations, as in etcd. */
function checkShape({ compare, success, failure }: TxnRequest, maxOps: number): void {
  const ops = Math.max(compare.length, success.length, failure.length);
  refuseIf(ops > maxOps, ETCD_ERRORS.tooManyOps);
  for (const one of compare) refuseIf(one.key.length === 0, ETCD_ERRORS.emptyKey);
  for (const op of success) checkOp(op, maxOps - ops);
  for (const op of failure) checkOp(op, maxOps - ops);
}

/** What one branch writes. */
interface Writes {
  readonly puts: Set<BinaryKey>;
  readonly deletes: KeyIntervals;
}

function addPut({ puts, deletes }: Writes, key: BinaryKey, isTwiceAllowed: boolean): void {
  refuseIf(puts.has(key) && !isTwiceAllowed, ETCD_ERRORS.duplicateKey);
  refuseIf(deletes.has(key), ETCD_ERRORS.duplicateKey);
  puts.add(key);
}

/** A key may be put once, and not where it is deleted; a nested transaction takes one branch. */
function checkOverlaps(ops: readonly RequestOp[]): Writes {
  const writes: Writes = { puts: new Set(), deletes: new KeyIntervals() };
  for (const { request } of ops) {
    if (request.case !== "requestDeleteRange") continue;
    const { key, rangeEnd } = request.value;
    writes.deletes.addRange(toBinaryKey(key), toBinaryKey(rangeEnd));
  }
  for (const { request } of ops) {
    if (request.case !== "requestTxn") continue;
    const success = checkOverlaps(request.value.success);
    const failure = checkOverlaps(request.value.failure);
    for (const key of success.puts) addPut(writes, key, false);
    for (const key of failure.puts) addPut(writes, key, success.puts.has(key));
    writes.deletes.addAll(success.deletes);
    writes.deletes.addAll(failure.deletes);
  }
  for (const { request } of ops) {
    if (request.case === "requestPut") addPut(writes, toBinaryKey(request.value.key), false);
  }
  return writes;
}

/** Throws etcd's error when a transaction can't be served whatever the state is. */
export function checkTxn(request: TxnRequest, maxOps: number = MAX_TXN_OPS): void {
  checkShape(request, maxOps);
  checkOverlaps(request.success);
  checkOverlaps(request.failure);
}
