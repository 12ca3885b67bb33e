import { describe, expect, it } from "vitest";
import { bestFollower, healthierLeader } from "../../../regional/member/disk-watch.js";
import type { ProgressStatus, Status } from "../../../regional/raft/status.js";
import { EMPTY_CONF_STATE, type RaftState } from "../../../regional/raft/types.js";

function progress(id: number, match: number, fields: Partial<ProgressStatus> = {}): ProgressStatus {
  return {
    id,
    state: "replicate",
    match,
    next: match + 1,
    isLearner: false,
    recentActive: true,
    paused: false,
    pendingSnapshot: 0,
    inflight: 0,
    inflightFull: false,
    ...fields,
  };
}

function leading(...nodes: readonly ProgressStatus[]): Status {
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

describe("a leader with a stuck disk", () => {
  const stuck = { oldestPendingMs: 1_500, durableIndex: 10 };

  it("hands over to whoever made durable what it could not", () => {
    expect(healthierLeader(leading(progress(1, 10), progress(2, 12), progress(3, 11)), stuck)).toBe(
      2,
    );
  });

  it("stays when nobody's disk is better, or its own is well", () => {
    const nobody = leading(progress(1, 10), progress(2, 10), progress(3, 9));
    expect(healthierLeader(nobody, stuck)).toBeUndefined();
    const better = leading(progress(1, 10), progress(2, 12));
    expect(healthierLeader(better, { oldestPendingMs: 900, durableIndex: 10 })).toBeUndefined();
    expect(healthierLeader({ ...better, progress: null }, stuck)).toBeUndefined();
  });

  it("passes over learners and silent members", () => {
    const status = leading(
      progress(1, 10),
      progress(2, 12, { recentActive: false }),
      progress(3, 12, { isLearner: true }),
      progress(4, 11),
    );
    expect(healthierLeader(status, stuck)).toBe(4);
    expect(bestFollower(status, 12)).toBeUndefined();
  });
});
