import type { LeaseGrantRequest } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_LEASE_TTL_SECONDS } from "../../shared/limits.js";
import { ETCD_ERRORS, type EtcdError } from "./etcd-errors.js";
import type { Lease, LeaseInfo, LeaseTable } from "./lease-table.js";
import type { Mvcc } from "./mvcc.js";
import { leaseRecord } from "./records.js";

/** What the lessor must know of the entries that were applied. */
export type LeaseChange =
  | { readonly kind: "granted"; readonly lease: LeaseInfo }
  | { readonly kind: "checkpointed"; readonly lease: LeaseInfo }
  | { readonly kind: "revoked"; readonly id: bigint };

/** The commands on leases: they change the lease table and, by revoking, the key space. */
export class LeaseWrites {
  readonly #mvcc: Mvcc;
  readonly #table: LeaseTable;
  /** Changes since they were last taken. */
  changes: LeaseChange[] = [];

  constructor(mvcc: Mvcc) {
    this.#mvcc = mvcc;
    this.#table = mvcc.leases;
  }

  /** Grants a lease with the id and seconds asked for, at least one second. */
  grant(request: LeaseGrantRequest): Lease | EtcdError {
    if (request.ID === 0n) return ETCD_ERRORS.leaseNotFound;
    if (request.TTL > BigInt(MAX_LEASE_TTL_SECONDS)) return ETCD_ERRORS.leaseTtlTooLarge;
    if (this.#table.get(request.ID) !== undefined) return ETCD_ERRORS.leaseExists;
    const ttl = Math.max(1, Number(request.TTL));
    const lease = this.#table.add({ id: request.ID, ttl, remainingTtl: 0 });
    this.changes.push({ kind: "granted", lease: lease.info() });
    this.#mvcc.freshRecords.push(leaseRecord(lease.id, lease));
    return lease;
  }

  /** Ends a lease and deletes its keys, in order; false when it is unknown. */
  revoke(id: bigint): boolean {
    const lease = this.#table.get(id);
    if (lease === undefined) return false;
    for (const key of lease.sortedKeys()) this.#mvcc.delete(key);
    this.#table.remove(id);
    this.changes.push({ kind: "revoked", id });
    this.#mvcc.freshRecords.push(leaseRecord(id, undefined));
    return true;
  }

  /** Notes the remaining seconds of a lease, which are no more than were granted. */
  checkpoint(id: bigint, remainingTtl: number): void {
    const lease = this.#table.get(id);
    if (lease === undefined) return;
    lease.remainingTtl = Math.min(remainingTtl, lease.ttl);
    this.changes.push({ kind: "checkpointed", lease: lease.info() });
    this.#mvcc.freshRecords.push(leaseRecord(id, lease));
  }
}
