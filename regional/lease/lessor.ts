import { DueQueue } from "../../shared/due-queue.js";
import {
  LEASE_CHECKPOINT_INTERVAL_MS,
  LEASE_EXPIRIES_PER_SECOND,
  LEASE_EXPIRY_RETRY_MS,
} from "../../shared/limits.js";
import type { LeaseChange, LeaseInfo } from "../store/state.js";
import type { LeaseCheckpointItem } from "./commands.js";

const SECOND_MS = 1_000;

/** A lease whose time runs here. It has one place in each queue. */
interface Running {
  readonly id: bigint;
  readonly ttl: number;
  /** Seconds left that the log knows; 0 when it knows of none spent. */
  remainingTtl: number;
  /** When it ends. */
  expiry: number;
  /** When it was last renewed, or its remaining time last told. */
  touched: number;
  /** It is in the queue of checkpoints. */
  told: boolean;
  /** Revoked: what the queues still hold of it means nothing. */
  gone: boolean;
}

/** Seconds with which a lease starts under a new leader. */
function startingTtl(lease: LeaseInfo): number {
  return lease.remainingTtl > 0 ? lease.remainingTtl : lease.ttl;
}

/**
 * The clockwork of leases: which are due, how long the others have. Only the leader's
 * runs; a follower's is demoted and knows nothing. Times are milliseconds of the caller's
 * monotonic clock. Rules: etcd `server/lease/lessor.go`.
 *
 * Unlike etcd, only leases that nobody has renewed for a while have their remaining time
 * told to the log: those that are kept alive lose nothing by an election.
 */
export class Lessor {
  #term = 0;
  readonly #running = new Map<bigint, Running>();
  readonly #expiries = new DueQueue<Running>();
  readonly #checkpoints = new DueQueue<Running>();
  /** Renewed leases of which the log still believes that time was spent. */
  readonly #resets = new Set<Running>();

  /** Term under which it runs, 0 while demoted. Expiries carry it. */
  get term(): number {
    return this.#term;
  }

  /** Leases it watches over. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Begins to lead in `term` with all leases of the state. Each gets its checkpointed (or
   * granted) time plus `extendMs`, one election timeout, since its owner could not renew
   * it meanwhile; when too many would end within one second they are spread out.
   */
  promote(term: number, leases: Iterable<LeaseInfo>, now: number, extendMs: number): void {
    this.demote();
    this.#term = term;
    const inOrder = [...leases].sort((a, b) => startingTtl(a) - startingTtl(b));
    let earliest = 0;
    for (const lease of inOrder) {
      const expiry = Math.max(now + startingTtl(lease) * SECOND_MS + extendMs, earliest);
      earliest = expiry + SECOND_MS / LEASE_EXPIRIES_PER_SECOND;
      this.#start(lease, expiry, now);
    }
  }

  /** Stops to lead: nothing expires here any more. */
  demote(): void {
    this.#term = 0;
    this.#running.clear();
    this.#expiries.clear();
    this.#checkpoints.clear();
    this.#resets.clear();
  }

  /** Takes over what was applied. Does nothing while demoted. */
  applied(changes: readonly LeaseChange[], now: number): void {
    if (this.#term === 0) return;
    for (const change of changes) {
      if (change.kind === "granted") {
        this.#start(change.lease, now + change.lease.ttl * SECOND_MS, now);
      } else if (change.kind === "revoked") {
        this.#stop(change.id);
      } else {
        const lease = this.#running.get(change.lease.id);
        if (lease !== undefined) lease.remainingTtl = change.lease.remainingTtl;
      }
    }
  }

  #start({ id, ttl, remainingTtl }: LeaseInfo, expiry: number, now: number): void {
    this.#stop(id);
    const lease = { id, ttl, remainingTtl, expiry, touched: now, told: false, gone: false };
    this.#running.set(id, lease);
    this.#expiries.push(expiry, lease);
    this.#queueCheckpoint(lease);
  }

  #stop(id: bigint): void {
    const lease = this.#running.get(id);
    if (lease === undefined) return;
    lease.gone = true;
    this.#running.delete(id);
    this.#resets.delete(lease);
  }

  /** Has the remaining time told once the lease was idle for long, if it lives that long. */
  #queueCheckpoint(lease: Running): void {
    const at = lease.touched + LEASE_CHECKPOINT_INTERVAL_MS;
    lease.told = at < lease.expiry;
    if (lease.told) this.#checkpoints.push(at, lease);
  }

  /**
   * Starts the lease's time anew. Returns its granted seconds, 0 when it is unknown or
   * has expired already. Call it after the leadership round.
   */
  renew(id: bigint, now: number): number {
    const lease = this.#running.get(id);
    if (lease === undefined || lease.expiry <= now) return 0;
    // Its places in the queues are left as they are: when they come up, they move on.
    lease.expiry = now + lease.ttl * SECOND_MS;
    lease.touched = now;
    if (!lease.told) this.#queueCheckpoint(lease);
    if (lease.remainingTtl > 0) this.#resets.add(lease);
    return lease.ttl;
  }

  /** Whole seconds left, rounded down (0 when due); undefined when unknown or demoted. */
  remaining(id: bigint, now: number): number | undefined {
    const lease = this.#running.get(id);
    if (lease === undefined) return undefined;
    return Math.max(0, Math.floor((lease.expiry - now) / SECOND_MS));
  }

  /**
   * Leases that are due, at most `limit`, oldest first; to be proposed by encodeExpiry.
   * One that is not revoked by the log comes again after LEASE_EXPIRY_RETRY_MS.
   */
  expired(now: number, limit: number): readonly bigint[] {
    const due: bigint[] = [];
    while (due.length < limit) {
      const lease = this.#expiries.popDue(now);
      if (lease === undefined) break;
      if (lease.gone) continue;
      if (lease.expiry > now) {
        this.#expiries.push(lease.expiry, lease);
      } else {
        due.push(lease.id);
        this.#expiries.push(now + LEASE_EXPIRY_RETRY_MS, lease);
      }
    }
    return due;
  }

  /** Remaining times to be proposed by encodeCheckpoint, at most `limit`. */
  checkpoints(now: number, limit: number): readonly LeaseCheckpointItem[] {
    const items: LeaseCheckpointItem[] = [];
    for (const lease of this.#resets) {
      if (items.length >= limit) return items;
      this.#resets.delete(lease);
      items.push({ id: lease.id, remainingTtl: 0 });
    }
    while (items.length < limit) {
      const lease = this.#checkpoints.popDue(now);
      if (lease === undefined) break;
      if (lease.gone) continue;
      if (lease.expiry <= now) {
        lease.told = false;
        continue;
      }
      if (now - lease.touched >= LEASE_CHECKPOINT_INTERVAL_MS) {
        lease.touched = now;
        const remainingTtl = Math.ceil((lease.expiry - now) / SECOND_MS);
        items.push({ id: lease.id, remainingTtl });
      }
      this.#queueCheckpoint(lease);
    }
    return items;
  }
}
