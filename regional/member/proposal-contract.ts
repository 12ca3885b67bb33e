import type { AtollError } from "../../shared/errors.js";
import { Refusal, type WireProposal } from "../peer/proposal-wire.js";
import type { ProposeOutcome } from "../raft/index.js";
import { ETCD_ERRORS, type EtcdError } from "../store/etcd-errors.js";

/** A proposal of this member that nobody has answered yet. */
export interface Pending<T> extends WireProposal {
  readonly startMs: number;
  /** The term in which it was handed to a leader; 0 while it certainly wasn't. */
  submittedTerm: number;
  /** The leader that it was handed to. */
  submittedTo: number;
  readonly resolve: (outcome: T) => void;
  readonly reject: (error: AtollError) => void;
}

/** Where proposals go. */
export interface ProposalTarget {
  /** This member's id. */
  readonly self: number;
  /** The known leader, or NO_NODE. */
  readonly lead: number;
  readonly term: number;
  /** RawNode.propose: all are appended here or none. */
  append(datas: readonly Uint8Array[]): ProposeOutcome;
  /** Proposes a change of the members here; undefined when it is in the log. */
  changeMembers(data: Uint8Array): Refusal | undefined;
  /** Sends proposals to the leader; false when there is no connection to it. */
  forward(lead: number, proposals: readonly WireProposal[]): boolean;
  /** Whether another member is connected, so that its word may come. */
  hears(member: number): boolean;
  /** Tells another member that its proposals were not taken. */
  refuse(member: number, reason: Refusal, seqs: readonly number[]): void;
  /** Asks for `submit` to be called at the end of this turn. */
  wake(): void;
}

/** What the caller is told of a refusal; one for `notLeading` is tried again instead. */
export const REFUSAL_ERRORS: ReadonlyMap<Refusal, EtcdError> = new Map<Refusal, EtcdError>([
  [Refusal.tooMany, ETCD_ERRORS.tooManyRequests],
  [Refusal.notEnoughStarted, ETCD_ERRORS.memberNotEnoughStarted],
  [Refusal.unhealthy, ETCD_ERRORS.unhealthy],
  [Refusal.learnerNotReady, ETCD_ERRORS.learnerNotReady],
]);
