import { AtollError } from "../../shared/errors.js";
import { NO_LIMIT } from "./size.js";
import type { RaftStorage } from "./storage.js";
import type { RaftState } from "./types.js";

/**
 * How linearizable reads are confirmed.
 * `safe`: by a heartbeat round to a quorum that starts after the request.
 * `leaseBased`: from the leader's lease where it holds, else as `safe`. Needs checkQuorum,
 * and members whose ticks never differ in rate by more than one part in eight; see lease.ts.
 */
export type ReadOnlyMode = "safe" | "leaseBased";

/** Things worth counting or logging that a driver can't see from Ready. */
export type TraceEvent =
  | { readonly kind: "role"; readonly state: RaftState; readonly term: number }
  | { readonly kind: "truncate"; readonly from: number; readonly last: number }
  | { readonly kind: "snapshot-sent"; readonly to: number; readonly index: number }
  | { readonly kind: "snapshot-restored"; readonly index: number }
  | { readonly kind: "quorum-lost"; readonly term: number }
  | { readonly kind: "stale-append-ack"; readonly index: number; readonly term: number }
  | { readonly kind: "conf-change-refused"; readonly reason: string };

/** Everything a node needs; time comes as tick(), randomness as `random`. */
export interface RaftConfig {
  /** This node: a safe integer of at least 1. */
  readonly id: number;
  /** Ticks without a leader until an election; the actual time is random in [n, 2n). */
  readonly electionTicks: number;
  /** Ticks between heartbeats; less than electionTicks. */
  readonly heartbeatTicks: number;
  readonly storage: RaftStorage;
  /** Index through which the state machine is applied already; default 0. */
  readonly applied?: number;
  /** See ready.ts; default false. */
  readonly asyncStorageWrites?: boolean;
  /** Bytes of entries in one append message (at least one entry is sent). */
  readonly maxSizePerMessage: number;
  /** Bytes of entries handed out for apply and not yet applied; default maxSizePerMessage. */
  readonly maxCommittedSizePerReady?: number;
  /** Payload bytes in the leader's uncommitted tail above which it refuses proposals; default: no limit. */
  readonly maxUncommittedSize?: number;
  /** Append messages in flight to one follower. */
  readonly maxInflightMessages: number;
  /** Payload bytes in flight to one follower, at least maxSizePerMessage; default: no limit. */
  readonly maxInflightBytes?: number;
  /** The leader steps down when it hears from no quorum for an election timeout. */
  readonly checkQuorum?: boolean;
  /** Ask before raising the term (dissertation §9.6). */
  readonly preVote?: boolean;
  /** Default `safe`. */
  readonly readOnly?: ReadOnlyMode;
  /**
   * As a voter, cut no leader's lease short: no vote for electionTicks after a start, and
   * campaign() and forgetLeader() do nothing while a leader is alive. For all members of a group
   * of which any may have `leaseBased` reads; needs checkQuorum. Default: if this one has.
   */
  readonly honourLeases?: boolean;
  /**
   * 0 to 255, default 0: nodes of a higher priority lead where they can; see priority.ts. Above
   * 0 it needs checkQuorum.
   */
  readonly priority?: number;
  /** Followers drop proposals instead of forwarding them. */
  readonly disableProposalForwarding?: boolean;
  /** The leader appends membership changes without checking them first. For tests. */
  readonly disableConfChangeValidation?: boolean;
  /** A leader that applies its own removal or demotion steps down. */
  readonly stepDownOnRemoval?: boolean;
  /** An integer in [0, n), for election timeouts; the only randomness of a node. */
  readonly random: (n: number) => number;
  readonly trace?: (event: TraceEvent) => void;
}

/** A RaftConfig with its defaults filled in. */
export type CheckedConfig = Required<Omit<RaftConfig, "trace">> & {
  readonly trace: ((event: TraceEvent) => void) | null;
};

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      `raft config: ${name} is ${value}; it must be an integer of at least ${least}`,
    );
  }
}

function requireCheckQuorum(config: RaftConfig, what: string, needed: boolean): void {
  if (!needed || config.checkQuorum === true) return;
  throw new AtollError(
    "INVALID_ARGUMENT",
    `raft config: ${what}, which needs checkQuorum to be true`,
  );
}

/** Priorities travel as one byte. */
const MAX_PRIORITY = 255;

/**
 * Fills in defaults.
 * @throws AtollError INVALID_ARGUMENT naming the field that is wrong and what would be right
 */
export function checkConfig(config: RaftConfig): CheckedConfig {
  requireInteger("id", config.id, 1);
  requireInteger("heartbeatTicks", config.heartbeatTicks, 1);
  requireInteger("electionTicks", config.electionTicks, config.heartbeatTicks + 1);
  requireInteger("applied", config.applied ?? 0, 0);
  requireInteger("maxSizePerMessage", config.maxSizePerMessage, 0);
  requireInteger("maxInflightMessages", config.maxInflightMessages, 1);
  const maxInflightBytes = config.maxInflightBytes ?? NO_LIMIT;
  requireInteger("maxInflightBytes", maxInflightBytes, Math.max(1, config.maxSizePerMessage));
  const maxUncommittedSize = config.maxUncommittedSize ?? NO_LIMIT;
  requireInteger("maxUncommittedSize", maxUncommittedSize, 1);
  const maxCommittedSizePerReady = config.maxCommittedSizePerReady ?? config.maxSizePerMessage;
  requireInteger("maxCommittedSizePerReady", maxCommittedSizePerReady, 0);
  const priority = config.priority ?? 0;
  requireInteger("priority", priority, 0);
  if (priority > MAX_PRIORITY) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      `raft config: priority is ${priority}; it must be at most ${MAX_PRIORITY}`,
    );
  }
  const leases = config.readOnly === "leaseBased";
  const honourLeases = config.honourLeases ?? leases;
  if (leases && !honourLeases) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      "raft config: readOnly is leaseBased, which needs honourLeases not to be false",
    );
  }
  requireCheckQuorum(config, "readOnly is leaseBased", leases);
  requireCheckQuorum(config, "honourLeases is true", honourLeases);
  requireCheckQuorum(config, `priority is ${priority}`, priority > 0);
  return {
    id: config.id,
    electionTicks: config.electionTicks,
    heartbeatTicks: config.heartbeatTicks,
    storage: config.storage,
    applied: config.applied ?? 0,
    asyncStorageWrites: config.asyncStorageWrites ?? false,
    maxSizePerMessage: config.maxSizePerMessage,
    maxCommittedSizePerReady,
    maxUncommittedSize,
    maxInflightMessages: config.maxInflightMessages,
    maxInflightBytes,
    checkQuorum: config.checkQuorum ?? false,
    preVote: config.preVote ?? false,
    readOnly: config.readOnly ?? "safe",
    honourLeases,
    priority,
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? false,
    random: config.random,
    trace: config.trace ?? null,
  };
}
