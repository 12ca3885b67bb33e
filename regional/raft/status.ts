import type { ConfState, RaftState } from "./types.js";

/** How the leader treats a follower: see progress.ts. */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** A copy of what the leader knows of one node. */
export interface ProgressStatus {
  readonly id: number;
  readonly state: ProgressState;
  /** The node's log is known to agree with the leader's through this index. */
  readonly match: number;
  /** Index of the next entry to send. */
  readonly next: number;
  readonly isLearner: boolean;
  readonly recentActive: boolean;
  /** Its priority in elections, as far as it has told this leader; else 0. */
  readonly priority: number;
  /** No entries are sent until something comes back. */
  readonly paused: boolean;
  /** Index of the snapshot being sent, or 0. */
  readonly pendingSnapshot: number;
  /** Append messages in flight. */
  readonly inflight: number;
  readonly inflightFull: boolean;
}

/** A copy of a node's state. */
export interface Status {
  readonly id: number;
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  readonly applied: number;
  /** Index of the last entry in the log, durable or not. */
  readonly lastIndex: number;
  /** The known leader or NO_NODE. */
  readonly lead: number;
  readonly raftState: RaftState;
  /** The node that leadership is being transferred to, or NO_NODE. */
  readonly leadTransferee: number;
  readonly confState: ConfState;
  /** By node id, in ascending order; null unless this node leads. */
  readonly progress: ReadonlyMap<number, ProgressStatus> | null;
}
