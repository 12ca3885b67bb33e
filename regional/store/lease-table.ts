import type { BinaryKey } from "../../shared/bytes.js";
import type { RowLease } from "./row.js";
import { int64Varint } from "./wire.js";

/** A lease as the log knows it; what time is left is the lessor's to say. */
export interface LeaseInfo {
  readonly id: bigint;
  /** Granted seconds. */
  readonly ttl: number;
  /** Seconds left at the last checkpoint; 0 when there was none since the last renewal. */
  readonly remainingTtl: number;
}

/** A granted lease and the keys attached to it. */
export class Lease implements LeaseInfo, RowLease {
  readonly id: bigint;
  readonly varint: Uint8Array;
  readonly ttl: number;
  remainingTtl: number;
  readonly keys = new Set<BinaryKey>();

  constructor(info: LeaseInfo) {
    this.id = info.id;
    this.varint = int64Varint(info.id);
    this.ttl = info.ttl;
    this.remainingTtl = info.remainingTtl;
  }

  /** The facts alone, for those who must not see later changes. */
  info(): LeaseInfo {
    return { id: this.id, ttl: this.ttl, remainingTtl: this.remainingTtl };
  }

  /** Its keys in order. */
  sortedKeys(): BinaryKey[] {
    return [...this.keys].sort();
  }
}

/** All granted leases. A key is attached to at most one, the one its latest row names. */
export class LeaseTable {
  readonly #byId = new Map<bigint, Lease>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: bigint): Lease | undefined {
    return this.#byId.get(id);
  }

  add(info: LeaseInfo): Lease {
    const lease = new Lease(info);
    this.#byId.set(info.id, lease);
    return lease;
  }

  remove(id: bigint): void {
    this.#byId.delete(id);
  }

  /** Takes a key off its lease. */
  detach(id: bigint, key: BinaryKey): void {
    this.#byId.get(id)?.keys.delete(key);
  }

  /** All leases in order of id. */
  sorted(): Lease[] {
    return [...this.#byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
