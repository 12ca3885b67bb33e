import type { EtcdError } from "./etcd-errors.js";
import type { KvRow } from "./row.js";

/**
 * What applying a command, or reading, gave. `revision` is what etcd's response header
 * carries in that place. Outcomes are plain data, the same on every member.
 */
export interface PutOutcome {
  readonly kind: "put";
  readonly revision: number;
  /** The key before the put, if it was asked for and there was one. */
  readonly prevKv: KvRow | undefined;
}

export interface DeleteRangeOutcome {
  readonly kind: "deleteRange";
  readonly revision: number;
  readonly deleted: number;
  /** The deleted pairs in order of key, if they were asked for. */
  readonly prevKvs: readonly KvRow[];
}

export interface RangeOutcome {
  readonly kind: "range";
  /** The current revision, also for a read of the past. */
  readonly revision: number;
  readonly kvs: readonly KvRow[];
  /** Keys were asked for without their values: encode with `keyBytes`. */
  readonly keysOnly: boolean;
  /** The limit cut the answer. */
  readonly more: boolean;
  /** Keys in the range, whatever limit and revision filters say. */
  readonly count: number;
}

/** The answer to one operation of a transaction. */
export type TxnOpOutcome = PutOutcome | DeleteRangeOutcome | RangeOutcome | TxnOutcome;

export interface TxnOutcome {
  readonly kind: "txn";
  /** 0 in a transaction within a transaction, whose header etcd leaves empty. */
  readonly revision: number;
  readonly succeeded: boolean;
  /** An operation that was empty gives undefined: a ResponseOp without response. */
  readonly responses: readonly (TxnOpOutcome | undefined)[];
}

interface CompactionOutcome {
  readonly kind: "compaction";
  readonly revision: number;
}

interface LeaseGrantOutcome {
  readonly kind: "leaseGrant";
  readonly revision: number;
  readonly id: bigint;
  /** Seconds. */
  readonly ttl: number;
}

interface LeaseRevokeOutcome {
  readonly kind: "leaseRevoke";
  readonly revision: number;
}

interface LeaseExpireOutcome {
  readonly kind: "leaseExpire";
  readonly revision: number;
  /** Leases that this command ended; none when the term had passed. */
  readonly expired: readonly bigint[];
}

interface LeaseCheckpointOutcome {
  readonly kind: "leaseCheckpoint";
  readonly revision: number;
}

/** What is known of a member, or the membership itself, has changed. */
interface MemberOutcome {
  readonly kind: "member";
  readonly revision: number;
}

/** An entry that does nothing to the state: a new leader's first, or one that leaves a joint configuration. */
interface NoneOutcome {
  readonly kind: "none";
  readonly revision: number;
}

/** The command changed nothing. */
export interface ErrorOutcome {
  readonly kind: "error";
  readonly revision: number;
  readonly error: EtcdError;
}

/** What `apply` gives. */
export type Outcome =
  | PutOutcome
  | DeleteRangeOutcome
  | TxnOutcome
  | CompactionOutcome
  | LeaseGrantOutcome
  | LeaseRevokeOutcome
  | LeaseExpireOutcome
  | LeaseCheckpointOutcome
  | MemberOutcome
  | NoneOutcome
  | ErrorOutcome;
