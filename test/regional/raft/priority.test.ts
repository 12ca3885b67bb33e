import { describe, expect, it } from "vitest";
import { ConfChangeTransition, ConfChangeType, RaftState } from "../../../regional/raft/index.js";
import {
  ELECTION_TICKS,
  Group,
  heartbeat,
  type Settings,
  storageWith,
  TestNode,
  vote,
} from "./group.js";

const QUORUM: Settings = { checkQuorum: true, preVote: true };

/**
 * Voters 1 to n, each with its id (or what `priorities` says) as its priority. `spread`: no
 * two have the same election timeout.
 */
function groupOf(
  count: number,
  priorities: Readonly<Record<number, number>> = {},
  spread = false,
): Group {
  const ids = Array.from({ length: count }, (_, i) => i + 1);
  return new Group(ids, QUORUM, ids, (id) => ({
    priority: priorities[id] ?? id,
    random: () => (spread ? id : 0),
  }));
}

function leaderOf(group: Group): number | undefined {
  const leaders = [...group.nodes.values()].filter((n) => n.status.raftState === RaftState.leader);
  expect(leaders.length).toBeLessThanOrEqual(1);
  return leaders[0]?.id;
}

/** Ticks the group until somebody leads, and gives the number of ticks. */
function ticksToLeader(group: Group, ids: readonly number[]): number {
  for (let ticks = 1; ticks <= 20 * ELECTION_TICKS; ticks++) {
    group.tick(1, ids);
    if (ids.some((id) => group.node(id).status.raftState === RaftState.leader)) return ticks;
  }
  throw new Error("nobody leads");
}

/** Adds a learner to a group that node 1 leads. */
function addLearner(group: Group, id: number, settings: Settings): void {
  group.nodes.set(id, new TestNode(id, storageWith([1, 2, 3, 4, 5]), settings));
  const change = { type: ConfChangeType.addLearnerNode, nodeId: id };
  group.node(1).raw.proposeConfChange({
    transition: ConfChangeTransition.auto,
    changes: [change],
    context: new Uint8Array(0),
  });
  group.settle();
  expect(group.node(1).status.confState.learners).toEqual([id]);
}

describe("priorities", () => {
  it("hand leadership to the best node that is alive and caught up, and to no other", () => {
    const group = groupOf(4);
    group.elect(1);
    group.tick(ELECTION_TICKS);
    // Nobody's log has been seen for an election timeout yet.
    expect(leaderOf(group)).toBe(1);
    group.tick(ELECTION_TICKS);
    expect(leaderOf(group)).toBe(4);
    const { term } = group.node(4).status;
    group.tick(10 * ELECTION_TICKS);
    expect([leaderOf(group), group.node(4).status.term]).toEqual([4, term]);
  });

  it("leave leadership where it is while all are equal, or the leader is as good", () => {
    for (const priorities of [
      { 1: 0, 2: 0, 3: 0 },
      { 1: 7, 2: 7, 3: 3 },
    ]) {
      const group = groupOf(3, priorities);
      group.elect(1);
      group.tick(10 * ELECTION_TICKS);
      expect(leaderOf(group)).toBe(1);
    }
  });

  it("pass over nodes that are silent, behind, or learners", () => {
    const voters = [1, 2, 3, 4, 5];
    const group = new Group(voters, QUORUM, voters, (id) => ({ priority: id }));
    group.elect(1);
    addLearner(group, 6, { ...QUORUM, priority: 6 });
    group.node(4).holdDisk = true;
    group.node(1).propose("x");
    group.isolate(5);
    group.tick(2 * ELECTION_TICKS);
    expect(leaderOf(group)).toBe(3);
    group.isolate();
    group.tick(2 * ELECTION_TICKS);
    expect(leaderOf(group)).toBe(5);
  });

  it("let the better node campaign first when the leader is gone", () => {
    // Timeouts are not random here: without priorities all would campaign in the same tick.
    const group = groupOf(3, { 1: 9, 2: 1, 3: 5 });
    group.elect(1);
    group.tick(2 * ELECTION_TICKS);
    expect(leaderOf(group)).toBe(1);
    group.isolate(1);
    expect(ticksToLeader(group, [2, 3])).toBe(ELECTION_TICKS);
    expect(group.node(3).status.raftState).toBe(RaftState.leader);
    expect(group.node(2).take(vote)).toEqual([]);
  });

  it("cost one election timeout at most when the better node is gone too", () => {
    const group = groupOf(5, { 1: 1, 2: 2, 3: 3, 4: 8, 5: 9 }, true);
    group.elect(5);
    group.tick(2 * ELECTION_TICKS);
    group.isolate(4, 5);
    expect(ticksToLeader(group, [1, 2, 3])).toBeLessThanOrEqual(2 * ELECTION_TICKS + 1);
  });

  it("don't keep others waiting for a better node that can't win", () => {
    // Node 3 can reach node 2 only: it campaigns again and again, and never wins.
    const group = groupOf(5, { 1: 9, 2: 1, 3: 5, 4: 1, 5: 1 }, true);
    group.elect(1);
    group.tick(2 * ELECTION_TICKS);
    group.lose = ({ from, to }) => {
      if (from === 1 || to === 1) return true;
      return (from === 3 && to > 3) || (to === 3 && from > 3);
    };
    const others = [2, 3, 4, 5];
    ticksToLeader(group, others);
    expect(group.node(3).status.raftState).not.toBe(RaftState.leader);
  });

  it("wait once only: who campaigned in vain campaigns again as ever", () => {
    const node = new TestNode(1, new Group([1, 2, 3]).node(1).storage, { ...QUORUM, priority: 3 });
    node.step({ type: heartbeat, from: 2, to: 1, term: 1, priority: 9 });
    node.take();
    node.tick(2 * ELECTION_TICKS - 1);
    expect(node.take()).toEqual([]);
    node.tick();
    expect(node.take()).toHaveLength(2);
    node.tick(ELECTION_TICKS);
    expect(node.take()).toHaveLength(2);
  });

  it("end with the term: who granted a better node its vote waits for it no longer", () => {
    const node = new TestNode(1, storageWith([1, 2, 3]), { ...QUORUM, priority: 3 });
    node.step({ type: heartbeat, from: 2, to: 1, term: 1, priority: 9 });
    // The leader's lease on this node's vote has run out.
    node.tick(ELECTION_TICKS);
    node.step({ type: vote, from: 3, to: 1, term: 2, index: 1, logTerm: 1 });
    expect(node.status.vote).toBe(3);
    node.take();
    node.tick(ELECTION_TICKS);
    expect(node.take()).toHaveLength(2);
  });

  it("don't wait for a node that is no better, or that the leader knows nothing of", () => {
    for (const priority of [0, 3]) {
      const storage = new Group([1, 2, 3]).node(1).storage;
      const node = new TestNode(1, storage, { ...QUORUM, priority: 3 });
      node.step({ type: heartbeat, from: 2, to: 1, term: 1, priority: 9 });
      node.step({ type: heartbeat, from: 2, to: 1, term: 1, priority });
      node.take();
      node.tick(ELECTION_TICKS);
      expect(node.take()).toHaveLength(2);
    }
  });

  it("pause ever longer between hand-overs that come to nothing", () => {
    const group = groupOf(3, { 1: 1, 2: 1, 3: 9 });
    group.elect(1);
    // Node 3 answers everything but never gets the word to campaign.
    let asked = 0;
    group.lose = (message) => {
      if (message.type !== 14) return false;
      asked++;
      return true;
    };
    group.tick(100 * ELECTION_TICKS);
    expect(leaderOf(group)).toBe(1);
    // At reviews 2, 4, 8, …: the pauses between them double.
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(asked).toBeLessThanOrEqual(8);
    expect(group.node(1).propose("still taken")).toBe("appended");
  });
});
