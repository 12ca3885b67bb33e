import { ETCD_ERRORS, type EtcdError } from "./etcd-errors.js";
import type { Mvcc } from "./mvcc.js";
import type { DeleteRangeOutcome, PutOutcome } from "./outcome.js";
import type { PutFields } from "./put-decoder.js";
import { currentRows, type KeyRange } from "./range.js";

/** Why a put by itself can't be done; the lease is looked at first, as etcd does. */
export function putError(mvcc: Mvcc, put: PutFields): EtcdError | undefined {
  if (put.key === "") return ETCD_ERRORS.emptyKey;
  return leaseError(mvcc, put) ?? previousError(mvcc, put);
}

/** Why a put within a transaction can't be done; there etcd looks at the key first. */
export function putErrorInTxn(mvcc: Mvcc, put: PutFields): EtcdError | undefined {
  if (put.key === "") return ETCD_ERRORS.emptyKey;
  return previousError(mvcc, put) ?? leaseError(mvcc, put);
}

function leaseError(mvcc: Mvcc, put: PutFields): EtcdError | undefined {
  return put.lease !== 0n && mvcc.leases.get(put.lease) === undefined
    ? ETCD_ERRORS.leaseNotFound
    : undefined;
}

/** What is to be kept must be there. */
function previousError(mvcc: Mvcc, put: PutFields): EtcdError | undefined {
  return (put.ignoreValue || put.ignoreLease) && mvcc.keys.get(put.key)?.current() === undefined
    ? ETCD_ERRORS.keyNotFound
    : undefined;
}

/** Carries out a put that has no error. */
export function put(mvcc: Mvcc, fields: PutFields): PutOutcome {
  const { key, ignoreValue, ignoreLease } = fields;
  const previous =
    fields.prevKv || ignoreValue || ignoreLease ? mvcc.keys.get(key)?.current() : undefined;
  const lease = ignoreLease ? (previous?.lease ?? 0n) : fields.lease;
  const holder = lease === 0n ? undefined : mvcc.leases.get(lease);
  if (ignoreValue) {
    const value = previous?.value() ?? new Uint8Array(0);
    mvcc.put(key, value, 0, value.length, holder);
  } else {
    mvcc.put(key, fields.source, fields.valueStart, fields.valueEnd, holder);
  }
  return {
    kind: "put",
    revision: mvcc.readRevision,
    prevKv: fields.prevKv ? previous : undefined,
  };
}

/** Deletes a key or range, in order of key. */
export function deleteRange(
  mvcc: Mvcc,
  keys: string | KeyRange,
  prevKv: boolean,
): DeleteRangeOutcome {
  const rows = currentRows(mvcc, keys);
  for (const row of rows) mvcc.delete(row.key);
  return {
    kind: "deleteRange",
    revision: mvcc.readRevision,
    deleted: rows.length,
    prevKvs: prevKv ? rows : [],
  };
}
