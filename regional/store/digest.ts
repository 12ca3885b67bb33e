import type { BinaryKey } from "../../shared/bytes.js";
import { HashChain } from "./chain.js";
import type { Mvcc } from "./mvcc.js";

/** How much one slice of the key space may hold. */
export interface SliceBounds {
  readonly keys: number;
  readonly bytes: number;
}

/**
 * Where a slice that begins at `from` ends: the first key that is not in it; undefined when
 * it reaches the end of the key space.
 */
export function sliceEnd(mvcc: Mvcc, from: BinaryKey, bounds: SliceBounds): BinaryKey | undefined {
  let keys = 0;
  let bytes = 0;
  let end: BinaryKey | undefined;
  mvcc.keys.scan(from, undefined, ({ latest }) => {
    if (keys >= bounds.keys || bytes >= bounds.bytes) {
      end = latest.key;
      return false;
    }
    keys++;
    bytes += latest.byteLength;
    return true;
  });
  return end;
}

/**
 * A hash of all pairs of [from, to) as they were at a revision, from the very bytes that
 * readers would get: equal on all members, unless what one of them holds has changed behind
 * its back. The revision must be at or above the compact revision.
 */
export function digestSlice(
  mvcc: Mvcc,
  revision: number,
  from: BinaryKey,
  to: BinaryKey | undefined,
): string {
  const hash = new HashChain();
  mvcc.keys.scan(from, to, (history) => {
    const row = history.at(revision);
    if (row !== undefined) hash.span(row.slab.view, row.offset, row.byteLength);
    return true;
  });
  return hash.value;
}
