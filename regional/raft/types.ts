/**
 * The data that the Raft core takes in and gives out.
 *
 * Node ids, terms and indexes are JS safe integers. Node id 0 means "nobody",
 * term 0 and index 0 lie before the first real ones. Names follow etcd-io/raft's
 * `raftpb`, so that scripts and literature written for it can be read against this code.
 */

/** The id that stands for "no node". */
export const NO_NODE = 0;

/** Address of the local append thread in messages; never a node's id. */
export const APPEND_THREAD = -1;

/** Address of the local apply thread in messages; never a node's id. */
export const APPLY_THREAD = -2;

/** What an entry of the log holds. */
export const EntryType = { normal: 0, confChange: 1, confChangeV2: 2 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

/** One entry of the replicated log. Immutable once made; `data` is never copied by the core. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** What a node must never forget: written with the entries of the same Ready. */
export interface HardState {
  readonly term: number;
  /** The node voted for in `term`, or NO_NODE. */
  readonly vote: number;
  readonly commit: number;
}

/**
 * The active membership. While `votersOutgoing` is not empty the configuration is
 * joint: decisions need a majority of `voters` and of `votersOutgoing`.
 */
export interface ConfState {
  readonly voters: readonly number[];
  readonly learners: readonly number[];
  /** Voters of the configuration being left; empty outside joint consensus. */
  readonly votersOutgoing: readonly number[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly number[];
  /** The leader leaves the joint configuration by itself as soon as it is applied. */
  readonly autoLeave: boolean;
}

/** Where a snapshot stands in the log, and the membership at that point. */
export interface SnapshotMetadata {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** A state-machine snapshot; `data` is opaque to the core (it may be just a handle). */
export interface Snapshot {
  readonly data: Uint8Array;
  readonly metadata: SnapshotMetadata;
}

/** Kinds of membership change. `updateNode` changes nothing in the core. */
export const ConfChangeType = {
  addNode: 0,
  removeNode: 1,
  updateNode: 2,
  addLearnerNode: 3,
} as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

/**
 * How a change of several nodes passes through joint consensus.
 * `auto`: joint only if needed (more than one change), left automatically;
 * `jointImplicit`: always joint, left automatically;
 * `jointExplicit`: always joint, left by an empty change that the caller proposes.
 */
export const ConfChangeTransition = { auto: 0, jointImplicit: 1, jointExplicit: 2 } as const;
export type ConfChangeTransition = (typeof ConfChangeTransition)[keyof typeof ConfChangeTransition];

/** One node's part of a membership change. */
export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly nodeId: number;
}

/** A membership change; with no `changes` it leaves a joint configuration. */
export interface ConfChange {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  /** Opaque to the core (an address, a name). */
  readonly context: Uint8Array;
}

/** The role of a node. */
export const RaftState = {
  follower: "follower",
  candidate: "candidate",
  leader: "leader",
  preCandidate: "pre-candidate",
} as const;
export type RaftState = (typeof RaftState)[keyof typeof RaftState];

/** The volatile part of a node's state. */
export interface SoftState {
  /** The known leader or NO_NODE. */
  readonly lead: number;
  readonly raftState: RaftState;
}

/** A confirmed read: state applied through `index` is fresh enough for the asker of `context`. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/** Shared empty values, so that nothing is allocated for them. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const NO_ENTRIES: readonly Entry[] = [];
export const EMPTY_CONF_STATE: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};
