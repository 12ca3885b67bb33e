import type { LeaseChange, LeaseInfo } from "../store/state.js";

/** Remaining time of a lease that the leader wants in the log. */
export interface LeaseCheckpointItem {
  readonly id: bigint;
  /** Whole seconds; 0 resets it to the granted time. */
  readonly remainingTtl: number;
}

/**
 * The clockwork of leases: which are due, how long the others have. Only the leader's
 * runs; a follower's is demoted and knows nothing. Times are milliseconds of the caller's
 * monotonic clock. Rules: etcd `server/lease/lessor.go`.
 */
export declare class Lessor {
  constructor();
  /** Term under which it runs, 0 while demoted. Expiries carry it. */
  readonly term: number;
  /**
   * Begins to lead in `term` with all leases of the state. Each gets its checkpointed (or
   * granted) time plus `extendMs`, one election timeout, since its owner could not renew
   * it meanwhile; when too many would end within one second they are spread out.
   */
  promote(term: number, leases: Iterable<LeaseInfo>, now: number, extendMs: number): void;
  /** Stops to lead: nothing expires here any more. */
  demote(): void;
  /** Takes over what was applied. Does nothing while demoted. */
  applied(changes: readonly LeaseChange[], now: number): void;
  /**
   * Starts the lease's time anew. Returns its granted seconds, 0 when it is unknown or
   * has expired already. Call it after the leadership round.
   */
  renew(id: bigint, now: number): number;
  /** Whole seconds left (0 when due), as etcd rounds: down; undefined when unknown or demoted. */
  remaining(id: bigint, now: number): number | undefined;
  /**
   * Leases that are due, at most `limit`, oldest first; to be proposed by encodeExpiry.
   * One that is not revoked by the log comes again after EXPIRY_RETRY_MS.
   */
  expired(now: number, limit: number): readonly bigint[];
  /** Remaining times to be proposed by encodeCheckpoint, at most `limit`. */
  checkpoints(now: number, limit: number): readonly LeaseCheckpointItem[];
  /** Leases it watches over. */
  readonly size: number;
}
