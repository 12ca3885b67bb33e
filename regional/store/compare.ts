import {
  type Compare,
  Compare_CompareResult as CompareResult,
  Compare_CompareTarget as CompareTarget,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Mvcc } from "./mvcc.js";
import { currentRows, keyRange } from "./range.js";
import type { Row } from "./row.js";
import { compareBytes } from "./sort.js";

const NO_VALUE = new Uint8Array(0);

function ordered(a: number | bigint, b: number | bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The integer that is compared with; 0 when another field of the union was given. */
function operand(compare: Compare, field: Compare["targetUnion"]["case"]): bigint {
  const { targetUnion } = compare;
  return targetUnion.case === field && typeof targetUnion.value === "bigint"
    ? targetUnion.value
    : 0n;
}

/** How the pair's target stands to the operand; a missing pair has zeros. */
function difference(compare: Compare, row: Row | undefined): number {
  switch (compare.target) {
    case CompareTarget.VERSION:
      return ordered(BigInt(row?.version ?? 0), operand(compare, "version"));
    case CompareTarget.CREATE:
      return ordered(BigInt(row?.createRevision ?? 0), operand(compare, "createRevision"));
    case CompareTarget.MOD:
      return ordered(BigInt(row?.modRevision ?? 0), operand(compare, "modRevision"));
    case CompareTarget.LEASE:
      return ordered(row?.lease ?? 0n, operand(compare, "lease"));
    case CompareTarget.VALUE: {
      const { targetUnion } = compare;
      const value = targetUnion.case === "value" ? targetUnion.value : NO_VALUE;
      return compareBytes(row?.value() ?? NO_VALUE, value);
    }
    default:
      return 0;
  }
}

function satisfied(compare: Compare, row: Row | undefined): boolean {
  const result = difference(compare, row);
  switch (compare.result) {
    case CompareResult.EQUAL:
      return result === 0;
    case CompareResult.NOT_EQUAL:
      return result !== 0;
    case CompareResult.GREATER:
      return result > 0;
    case CompareResult.LESS:
      return result < 0;
    default:
      return true;
  }
}

/**
 * Whether a comparison holds (etcd `server/etcdserver/apply.go`, applyCompare): for every
 * pair of the range; where there is none, a value never does and all else compares with 0.
 */
export function holds(mvcc: Mvcc, compare: Compare): boolean {
  const rows = currentRows(mvcc, keyRange(compare.key, compare.rangeEnd));
  if (rows.length === 0) {
    return compare.target !== CompareTarget.VALUE && satisfied(compare, undefined);
  }
  return rows.every((row) => satisfied(compare, row));
}
