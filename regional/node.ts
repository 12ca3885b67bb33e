import type { CommandKind } from "./store/command.js";
import type { Outcome } from "./store/outcome.js";
import type { RegionState } from "./store/state.js";
import type { WatchHub } from "./watch/hub.js";

/** One member as the replicated membership table knows it. */
export interface MemberInfo {
  readonly id: number;
  /** Empty until the member has started and published it. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Empty until the member has started and published them. */
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** What Maintenance.Status and the metrics want to know of a member at this moment. */
export interface NodeStatus {
  /** The leader's member id; 0 when none is known. */
  readonly leader: number;
  readonly raftTerm: number;
  /** Index of the last committed entry. */
  readonly raftIndex: number;
  /** Index of the last entry applied here. */
  readonly raftAppliedIndex: number;
  /** Bytes that the state database takes on disk. */
  readonly dbSize: number;
  /** Bytes of it that hold live data. */
  readonly dbSizeInUse: number;
  /** Trouble that an operator should know, such as "etcdserver: no leader". */
  readonly errors: readonly string[];
}

/** Trouble of one member that an operator should know; it ends by itself when its cause does. */
export interface NodeAlarm {
  readonly member: number;
  /** `noSpace`: its disk has too little room. `corrupt`: its state is not the majority's. */
  readonly alarm: "noSpace" | "corrupt";
}

/** What the leader knows of a lease. */
export interface LeaseStatus {
  /** Remaining seconds, rounded as etcd does; -1 when the lease is unknown. */
  readonly ttl: number;
  /** Seconds that were granted; 0 when the lease is unknown. */
  readonly grantedTtl: number;
}

/**
 * One member of a region's group, as the API layer sees it. Everything that is
 * refused or lost is an AtollError with etcd's code and text.
 */
export interface RegionalNode {
  readonly clusterId: bigint;
  readonly memberId: number;
  readonly name: string;
  /**
   * The replicated state of this member, for reads only. Another object after a snapshot
   * was installed, so it is to be asked for anew after each wait.
   */
  readonly state: RegionState;
  readonly watches: WatchHub;
  /** Fires when the member begins to stop; streams end then. */
  readonly stopping: AbortSignal;
  /** The current term, for response headers. */
  readonly raftTerm: number;
  /** Whether a leader is known at this moment. */
  readonly hasLeader: boolean;
  /**
   * Whether what makes the data grow is to be refused with "etcdserver: mvcc: database space
   * exceeded": a majority of the voters has too little room on its disks.
   */
  readonly lacksRoom: boolean;
  /** Whether this member only follows: it serves its own state and nothing that needs the group. */
  readonly isLearner: boolean;

  /**
   * Proposes a command and resolves with its outcome once it is applied on this
   * member. `body` is kept, not copied: don't change it afterwards.
   *
   * Rejects with RESOURCE_EXHAUSTED "etcdserver: too many requests" when too much is in
   * flight, INVALID_ARGUMENT "etcdserver: request is too large", UNAVAILABLE
   * "etcdserver: no leader" when it surely had no effect, and UNAVAILABLE
   * "etcdserver: request timed out…" when it may have had one.
   */
  propose(kind: CommandKind, body: Uint8Array): Promise<Outcome>;

  /**
   * Resolves when a read of `state` in this turn of the event loop is linearizable:
   * the member has applied everything that was committed when this was called. All
   * calls that wait share one round. Rejects with UNAVAILABLE: "etcdserver: no leader",
   * "etcdserver: leader changed" or "etcdserver: request timed out".
   */
  linearizable(): Promise<void>;

  /**
   * Renews a lease at the leader and resolves with its new TTL in seconds, 0 when
   * the lease is unknown. Answered only after a leadership round that began after the
   * call, so that a deposed leader promises nothing. Rejects as `linearizable` does.
   */
  leaseKeepAlive(id: bigint): Promise<number>;

  /**
   * The remaining time of a lease as the leader knows it. Afterwards this member's
   * state is at least as new as the leader's was, so the lease's keys may be read here.
   */
  leaseTimeToLive(id: bigint): Promise<LeaseStatus>;

  status(): NodeStatus;

  /** Alarms of all members, as far as this one knows. */
  alarms(): readonly NodeAlarm[];

  /** The replicated membership, in etcd's order: by the first peer URL. */
  members(): readonly MemberInfo[];

  /**
   * Hands leadership, which this member must have, to another voter; resolves when that one
   * leads. Rejects with FAILED_PRECONDITION "etcdserver: not leader" or "etcdserver: bad
   * leader transferee", UNAVAILABLE when it takes too long.
   */
  moveLeader(id: number): Promise<void>;
}
