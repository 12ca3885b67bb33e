import {
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Row } from "./row.js";

/** Byte order of two values, as Go's bytes.Compare. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

function comparison(target: SortTarget): ((a: Row, b: Row) => number) | undefined {
  switch (target) {
    case SortTarget.VERSION:
      return (a, b) => a.version - b.version;
    case SortTarget.CREATE:
      return (a, b) => a.createRevision - b.createRevision;
    case SortTarget.MOD:
      return (a, b) => a.modRevision - b.modRevision;
    case SortTarget.VALUE:
      return (a, b) => compareBytes(a.value(), b.value());
    default:
      return undefined;
  }
}

/**
 * Sorts pairs that are in order of key as a RangeRequest asks: a target other than the
 * key without an order means ascending. Equal ones stay in order of key. Orders and
 * targets that don't exist leave the pairs as they are.
 */
export function sortRows(rows: Row[], order: SortOrder, target: SortTarget): Row[] {
  if (target === SortTarget.KEY) return order === SortOrder.DESCEND ? rows.reverse() : rows;
  const compare = comparison(target);
  if (compare === undefined) return rows;
  switch (order) {
    case SortOrder.NONE:
    case SortOrder.ASCEND:
      return rows.sort(compare);
    case SortOrder.DESCEND:
      return rows.sort((a, b) => compare(b, a));
    default:
      return rows;
  }
}
