import type { BinaryKey } from "../../shared/bytes.js";
import { HashChain } from "./chain.js";
import { absorbMembership, absorbRecord } from "./chain-outcome.js";
import type { Mvcc } from "./mvcc.js";
import type { StateParts } from "./parts.js";
import { leaseRecord } from "./records.js";

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
 * A hash of all that is not a pair: revisions, membership and what members say of themselves,
 * and the leases, if there are no more than `leases` of them. Equal on all members at one index.
 */
export function digestTables(parts: StateParts, leases: number): string {
  const { mvcc, membership } = parts;
  const hash = new HashChain();
  hash.numbers(mvcc.revision, mvcc.log.next);
  hash.numbers(mvcc.compactRevision + 1, mvcc.leases.size);
  absorbMembership(hash, membership.confState);
  for (const record of membership.records()) absorbRecord(hash, record);
  if (mvcc.leases.size <= leases) {
    for (const lease of mvcc.leases.sorted()) absorbRecord(hash, leaseRecord(lease.id, lease));
  }
  return hash.value;
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
