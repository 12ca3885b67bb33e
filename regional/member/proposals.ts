import type { AtollError } from "../../shared/errors.js";
import {
  MAX_PENDING_PROPOSAL_BYTES,
  MAX_PENDING_PROPOSALS,
  NO_LEADER_WAIT_MS,
  REQUEST_TIMEOUT_MS,
} from "../../shared/limits.js";
import { Refusal, type WireProposal } from "../peer/proposal-wire.js";
import { isTaken, NO_NODE } from "../raft/index.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import { changesMembers } from "../store/member-change.js";
import { DoomedProposals } from "./doomed-proposals.js";
import { type Pending, type ProposalTarget, REFUSAL_ERRORS } from "./proposal-contract.js";

/** Proposals of another member, come in this turn. */
interface Foreign {
  readonly from: number;
  readonly proposals: readonly WireProposal[];
}

/**
 * The proposals of this member from the call to its answer. All proposals of a turn, own
 * and forwarded ones, become one batch. A proposal is handed to a leader once; only when
 * that leader says that it surely did not take it, it is handed over again, so nothing is
 * ever applied twice. One that may have been lost with a leader fails as soon as an entry
 * of a later term is applied, since by then it would have been seen; where that leader lives,
 * a tick or two later, because it may have refused it.
 */
export class Proposals<T> {
  readonly #target: ProposalTarget;
  readonly #pending = new Map<number, Pending<T>>();
  #nextSeq: number;
  #pendingBytes = 0;
  /** To be handed over at the end of this turn. */
  #held: Pending<T>[] = [];
  /** Refused by a leader; they wait for a tick or another leader. */
  #parked: Pending<T>[] = [];
  #foreign: Foreign[] = [];
  readonly #doomed = new DoomedProposals<T>();
  #failed: AtollError | undefined;
  /** Proposals made and failed since the start. */
  proposed = 0;
  failed = 0;

  /** @param firstSeq random, so that entries of a former life of this member fit no call */
  constructor(target: ProposalTarget, firstSeq: number) {
    this.#target = target;
    this.#nextSeq = firstSeq;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Makes a proposal; `encode` gets its number and gives the entry's data.
   * Rejects at once with RESOURCE_EXHAUSTED when too much is pending.
   */
  propose(nowMs: number, encode: (seq: number) => Uint8Array): Promise<T> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    if (
      this.#pending.size >= MAX_PENDING_PROPOSALS ||
      this.#pendingBytes >= MAX_PENDING_PROPOSAL_BYTES
    ) {
      return Promise.reject(etcdError(ETCD_ERRORS.tooManyRequests));
    }
    const seq = this.#nextSeq++;
    const data = encode(seq);
    this.proposed++;
    this.#pendingBytes += data.length;
    return new Promise<T>((resolve, reject) => {
      const pending = {
        seq,
        data,
        startMs: nowMs,
        submittedTerm: 0,
        submittedTo: NO_NODE,
        resolve,
        reject,
      };
      this.#pending.set(seq, pending);
      this.#held.push(pending);
      if (this.#held.length === 1) this.#target.wake();
    });
  }

  /** Takes proposals that another member forwarded to this one as the leader. */
  receive(from: number, proposals: readonly WireProposal[]): void {
    this.#foreign.push({ from, proposals });
    this.#target.wake();
  }

  /** Hands everything that was collected in this turn to the leader. */
  submit(): void {
    const { self, lead } = this.#target;
    if (this.#foreign.length > 0 && lead !== self) this.#refuseForeign(Refusal.notLeading);
    if (lead === self) {
      this.#changeMembers();
      this.#append();
    } else if (lead !== NO_NODE && this.#held.length > 0) {
      this.#forward(lead);
    }
  }

  /** Takes changes of the members out of the batch: each is looked at by itself. */
  #changeMembers(): void {
    const isChange = ({ data }: WireProposal): boolean => changesMembers(data);
    if (this.#held.some(isChange)) {
      const changes = this.#held.filter(isChange);
      this.#held = this.#held.filter((pending) => !isChange(pending));
      for (const pending of changes) this.#changeOwn(pending);
    }
    for (const [i, { from, proposals }] of this.#foreign.entries()) {
      if (!proposals.some(isChange)) continue;
      this.#foreign[i] = { from, proposals: proposals.filter((other) => !isChange(other)) };
      for (const { seq, data } of proposals.filter(isChange)) {
        const refusal = this.#target.changeMembers(data);
        if (refusal !== undefined) this.#target.refuse(from, refusal, [seq]);
      }
    }
  }

  #changeOwn(pending: Pending<T>): void {
    const refusal = this.#target.changeMembers(pending.data);
    if (refusal === undefined) this.#submitted([pending]);
    else this.#refused([pending], refusal);
  }

  #append(): void {
    const held = this.#held;
    const datas: Uint8Array[] = [];
    for (const pending of held) datas.push(pending.data);
    for (const { proposals } of this.#foreign) {
      for (const proposal of proposals) datas.push(proposal.data);
    }
    if (datas.length === 0) return;
    this.#held = [];
    const outcome = this.#target.append(datas);
    if (isTaken(outcome)) {
      this.#submitted(held);
      this.#foreign = [];
      return;
    }
    const tooMany = outcome === "uncommitted-limit";
    this.#refuseForeign(tooMany ? Refusal.tooMany : Refusal.notLeading);
    this.#refused(held, tooMany ? Refusal.tooMany : Refusal.notLeading);
  }

  #forward(lead: number): void {
    const held = this.#held;
    // Without a connection they stay held; the next tick or the connection wakes us.
    if (!this.#target.forward(lead, held)) return;
    this.#held = [];
    this.#submitted(held);
  }

  #submitted(taken: readonly Pending<T>[]): void {
    const { lead, term } = this.#target;
    for (const pending of taken) {
      pending.submittedTerm = term;
      pending.submittedTo = lead;
    }
  }

  #refuseForeign(reason: Refusal): void {
    for (const { from, proposals } of this.#foreign) {
      this.#target.refuse(
        from,
        reason,
        proposals.map((proposal) => proposal.seq),
      );
    }
    this.#foreign = [];
  }

  #refused(refused: readonly Pending<T>[], reason: Refusal): void {
    const { lead, term } = this.#target;
    for (const pending of refused) {
      // Where there is another leader since, it needn't wait.
      const isLate = lead !== NO_NODE && pending.submittedTerm > 0 && pending.submittedTerm < term;
      pending.submittedTerm = 0;
      const error = REFUSAL_ERRORS.get(reason);
      if (error !== undefined) this.#fail(pending, etcdError(error));
      else if (isLate) this.#held.push(pending);
      else this.#parked.push(pending);
    }
  }

  /** The leader says that it surely did not take these proposals of this member. */
  refused(reason: Refusal, seqs: readonly number[]): void {
    const known: Pending<T>[] = [];
    for (const seq of seqs) {
      const pending = this.#pending.get(seq);
      if (pending !== undefined && pending.submittedTerm !== 0) known.push(pending);
    }
    this.#refused(known, reason);
    if (this.#held.length > 0) this.#target.wake();
  }

  /** A proposal of this member with this number has been applied. */
  settle(seq: number, outcome: T): void {
    const pending = this.#pending.get(seq);
    if (pending === undefined) return;
    this.#pending.delete(seq);
    this.#pendingBytes -= pending.data.length;
    pending.resolve(outcome);
  }

  /** Another leader is known, or the connection to it is there: try what waits. */
  retry(): void {
    for (const pending of this.#parked) this.#held.push(pending);
    this.#parked = [];
    if (this.#held.length > 0) this.#target.wake();
  }

  /**
   * An entry of `term` was applied for the first time: what older leaders took is decided. One
   * that lives may just have refused it, so its word is awaited for a tick or two.
   */
  termApplied(term: number): void {
    for (const pending of this.#pending.values()) {
      if (pending.submittedTerm === 0 || pending.submittedTerm >= term) continue;
      if (this.#target.hears(pending.submittedTo)) this.#doomed.add(pending, term);
      else this.#fail(pending, etcdError(ETCD_ERRORS.timeoutLeaderFail));
    }
  }

  /** Fails what waited too long and tries again what was refused; called with each tick. */
  tick(nowMs: number): void {
    for (const pending of this.#doomed.tick()) {
      if (!this.#pending.has(pending.seq)) continue;
      this.#fail(pending, etcdError(ETCD_ERRORS.timeoutLeaderFail));
    }
    const shortestMs = Math.min(NO_LEADER_WAIT_MS, REQUEST_TIMEOUT_MS);
    const before = this.#pending.size;
    for (const pending of this.#pending.values()) {
      const ageMs = nowMs - pending.startMs;
      if (ageMs < shortestMs) break;
      if (pending.submittedTerm === 0) {
        if (ageMs >= NO_LEADER_WAIT_MS) this.#fail(pending, etcdError(ETCD_ERRORS.noLeader));
      } else if (ageMs >= REQUEST_TIMEOUT_MS) {
        this.#fail(pending, etcdError(ETCD_ERRORS.timeout));
      }
    }
    if (this.#pending.size < before) {
      this.#held = this.#held.filter((pending) => this.#pending.has(pending.seq));
      this.#parked = this.#parked.filter((pending) => this.#pending.has(pending.seq));
    }
    this.retry();
  }

  /** Fails everything that waits and all that comes later; the member stops. */
  stop(error: AtollError): void {
    this.#failed = error;
    this.#held = [];
    this.#parked = [];
    for (const pending of this.#pending.values()) this.#fail(pending, error);
  }

  #fail(pending: Pending<T>, error: AtollError): void {
    this.failed++;
    this.#pending.delete(pending.seq);
    this.#pendingBytes -= pending.data.length;
    pending.reject(error);
  }
}
