import type { ProgressStatus, Status } from "../../../regional/raft/status.js";
import { EMPTY_CONF_STATE, type RaftState } from "../../../regional/raft/types.js";

/** How far a follower is, as a leader sees it. */
export function progress(
  id: number,
  match: number,
  fields: Partial<ProgressStatus> = {},
): ProgressStatus {
  return {
    id,
    state: "replicate",
    match,
    next: match + 1,
    isLearner: false,
    recentActive: true,
    priority: 0,
    paused: false,
    pendingSnapshot: 0,
    inflight: 0,
    inflightFull: false,
    ...fields,
  };
}

/** The status of member 1 as a leader. */
export function leading(...nodes: readonly ProgressStatus[]): Status {
  return {
    id: 1,
    term: 2,
    vote: 1,
    commit: 10,
    applied: 10,
    lastIndex: 12,
    lead: 1,
    raftState: "leader" satisfies RaftState,
    leadTransferee: 0,
    confState: EMPTY_CONF_STATE,
    progress: new Map(nodes.map((node) => [node.id, node])),
  };
}
