import { errorText } from "../../shared/errors.js";
import { ELECTION_TICKS, LEASE_REVOKE_BATCH, TICK_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import { encodeCheckpoint, encodeExpiry } from "../lease/commands.js";
import { Lessor } from "../lease/lessor.js";
import type { LeaseStatus } from "../node.js";
import { LeaseOp } from "../peer/lease-wire.js";
import { CommandKind } from "../store/command.js";
import type { Outcome } from "../store/outcome.js";
import type { LeaseChange, RegionState } from "../store/state.js";

/** What the lease keeper needs of its member. */
export interface LeaseKeeperOptions {
  readonly state: () => RegionState;
  readonly nowMs: () => number;
  readonly propose: (kind: CommandKind, body: Uint8Array) => Promise<Outcome>;
  /** Resolves after a leadership round that began after the call. */
  readonly linearizable: () => Promise<void>;
  readonly log: Logger;
}

const UNKNOWN: LeaseStatus = { ttl: -1, grantedTtl: 0 };

/**
 * The leader's care for leases: lets them expire through the log, keeps what time is
 * left in the log, and answers for them. Everything it proposes carries the term in which
 * it was decided, so a deposed leader ends nothing.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #lessor = new Lessor();
  #expiring = false;
  #checkpointing = false;
  /** Leases that this member let expire since the start. */
  expired = 0;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Leases watched over; 0 on a follower. */
  get size(): number {
    return this.#lessor.size;
  }

  /** This member leads and has applied an entry of `term`. */
  promote(term: number): void {
    const { state, nowMs } = this.#options;
    this.#lessor.promote(term, state().leases(), nowMs(), ELECTION_TICKS * TICK_MS);
  }

  /** This member leads no more. */
  demote(): void {
    this.#lessor.demote();
  }

  applied(changes: readonly LeaseChange[]): void {
    this.#lessor.applied(changes, this.#options.nowMs());
  }

  /** Undefined when this member doesn't lead, or ceased to lead meanwhile. */
  async answer(op: LeaseOp, lease: bigint): Promise<LeaseStatus | undefined> {
    const { term } = this.#lessor;
    if (term === 0) return undefined;
    await this.#options.linearizable();
    if (this.#lessor.term !== term) return undefined;
    const now = this.#options.nowMs();
    if (op === LeaseOp.keepAlive) {
      const ttl = this.#lessor.renew(lease, now);
      return { ttl, grantedTtl: ttl };
    }
    const known = this.#options.state().lease(lease);
    const ttl = this.#lessor.remaining(lease, now);
    return known === undefined || ttl === undefined ? UNKNOWN : { ttl, grantedTtl: known.ttl };
  }

  /** Proposes what is due; called with each tick. */
  tick(): void {
    const { term } = this.#lessor;
    if (term === 0) return;
    const now = this.#options.nowMs();
    if (!this.#expiring) {
      const ids = this.#lessor.expired(now, LEASE_REVOKE_BATCH);
      if (ids.length > 0) void this.#expire(term, ids);
    }
    if (!this.#checkpointing) {
      const items = this.#lessor.checkpoints(now, LEASE_REVOKE_BATCH);
      if (items.length > 0) void this.#checkpoint(term, encodeCheckpoint(term, items));
    }
  }

  async #expire(term: number, ids: readonly bigint[]): Promise<void> {
    this.#expiring = true;
    try {
      const outcome = await this.#options.propose(CommandKind.leaseExpire, encodeExpiry(term, ids));
      if (outcome.kind === "leaseExpire") this.expired += outcome.expired.length;
    } catch (error) {
      // The lessor names them again after a while.
      this.#options.log.warn(
        { leases: ids.length, reason: errorText(error) },
        "leases not expired",
      );
    } finally {
      this.#expiring = false;
    }
  }

  async #checkpoint(term: number, body: Uint8Array): Promise<void> {
    this.#checkpointing = true;
    try {
      await this.#options.propose(CommandKind.leaseCheckpoint, body);
    } catch (error) {
      this.#warn(term, error, "remaining lease times not kept");
    } finally {
      this.#checkpointing = false;
    }
  }

  /** A leader that was deposed, or stops, has nothing to complain of. */
  #warn(term: number, error: unknown, message: string): void {
    if (this.#lessor.term === term) this.#options.log.warn({ reason: errorText(error) }, message);
  }
}
