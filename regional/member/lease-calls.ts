import { Deferred } from "../../shared/deferred.js";
import type { AtollError } from "../../shared/errors.js";
import {
  MAX_PENDING_LEASE_CALLS,
  NO_LEADER_WAIT_MS,
  REQUEST_TIMEOUT_MS,
} from "../../shared/limits.js";
import type { LeaseStatus } from "../node.js";
import { type LeaseAnswer, type LeaseCall, LeaseOp } from "../peer/lease-wire.js";
import { NO_NODE } from "../raft/index.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";

/** Where calls about leases go. */
export interface LeaseCallTarget {
  readonly self: number;
  /** The known leader, or NO_NODE. */
  readonly lead: number;
  /** Answers here, as the leader; undefined when this member turned out not to lead. */
  answer(op: LeaseOp, lease: bigint): Promise<LeaseStatus | undefined>;
  /** Sends calls to the leader; false when there is no connection to it. */
  sendCalls(lead: number, calls: readonly LeaseCall[]): boolean;
  sendAnswers(to: number, answers: readonly LeaseAnswer[]): void;
  /** Asks for `submit` to be called at the end of this turn. */
  wake(): void;
}

interface PendingCall extends LeaseCall {
  readonly startMs: number;
  readonly deferred: Deferred<LeaseStatus>;
}

/**
 * Calls about leases, which only the leader can answer: on the leader answered here, on
 * others sent to it, all of a turn in one frame. Both operations may be repeated, so calls
 * that were lost with a leader are sent to the next one.
 */
export class LeaseCalls {
  readonly #target: LeaseCallTarget;
  readonly #pending = new Map<number, PendingCall>();
  #unsent: PendingCall[] = [];
  #nextCall: number;
  #failed: AtollError | undefined;

  /** @param firstCall random, so that no answer to a former life of this member fits */
  constructor(target: LeaseCallTarget, firstCall: number) {
    this.#target = target;
    this.#nextCall = firstCall;
  }

  call(op: LeaseOp, lease: bigint, nowMs: number): Promise<LeaseStatus> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    if (this.#pending.size >= MAX_PENDING_LEASE_CALLS) {
      return Promise.reject(etcdError(ETCD_ERRORS.tooManyRequests));
    }
    const deferred = new Deferred<LeaseStatus>();
    const pending = { call: this.#nextCall++, op, lease, startMs: nowMs, deferred };
    this.#pending.set(pending.call, pending);
    this.#unsent.push(pending);
    this.#target.wake();
    return deferred.promise;
  }

  /** Sends or answers everything that was collected in this turn. */
  submit(): void {
    const { self, lead } = this.#target;
    if (this.#unsent.length === 0 || lead === NO_NODE) return;
    const calls = this.#unsent;
    if (lead === self) {
      this.#unsent = [];
      for (const pending of calls) void this.#answerOwn(pending);
    } else if (this.#target.sendCalls(lead, calls)) {
      this.#unsent = [];
    }
  }

  async #answerOwn(pending: PendingCall): Promise<void> {
    try {
      const status = await this.#target.answer(pending.op, pending.lease);
      // Not leading any more: the next tick or the next leader sends it on.
      if (status !== undefined) this.#settle(pending.call, status);
      else if (this.#pending.has(pending.call)) this.#unsent.push(pending);
    } catch (error) {
      this.#pending.delete(pending.call);
      pending.deferred.reject(error);
    }
  }

  /** Another member asks this one as the leader. */
  async serve(from: number, calls: readonly LeaseCall[]): Promise<void> {
    const answers = await Promise.all(
      calls.map(async ({ call, op, lease }): Promise<LeaseAnswer> => {
        const status = await this.#target.answer(op, lease).catch(() => undefined);
        return {
          call,
          answered: status !== undefined,
          ttl: status?.ttl ?? 0,
          grantedTtl: status?.grantedTtl ?? 0,
        };
      }),
    );
    this.#target.sendAnswers(from, answers);
  }

  /** The leader's answers to calls of this member. */
  receive(answers: readonly LeaseAnswer[]): void {
    for (const { call, answered, ttl, grantedTtl } of answers) {
      const pending = this.#pending.get(call);
      if (pending === undefined) continue;
      if (answered) this.#settle(call, { ttl, grantedTtl });
      else this.#unsent.push(pending);
    }
  }

  #settle(call: number, status: LeaseStatus): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    pending?.deferred.resolve(status);
  }

  /** What was sent to a former leader is sent anew. */
  leaderChanged(): void {
    this.#unsent = [...this.#pending.values()];
    if (this.#unsent.length > 0) this.#target.wake();
  }

  /** Fails what waited too long; called with each tick. */
  tick(nowMs: number): void {
    const hasLeader = this.#target.lead !== NO_NODE;
    const limitMs = hasLeader ? REQUEST_TIMEOUT_MS : NO_LEADER_WAIT_MS;
    const before = this.#pending.size;
    for (const pending of this.#pending.values()) {
      if (nowMs - pending.startMs < limitMs) break;
      this.#pending.delete(pending.call);
      pending.deferred.reject(etcdError(hasLeader ? ETCD_ERRORS.timeout : ETCD_ERRORS.noLeader));
    }
    if (this.#pending.size < before) {
      this.#unsent = this.#unsent.filter((pending) => this.#pending.has(pending.call));
    }
    if (this.#unsent.length > 0) this.#target.wake();
  }

  /** Fails everything that waits and all that comes later; the member stops. */
  stop(error: AtollError): void {
    this.#failed = error;
    this.#unsent = [];
    for (const pending of this.#pending.values()) pending.deferred.reject(error);
    this.#pending.clear();
  }
}
