import { describe, expect, test } from "vitest";
import { MessageType } from "../../../regional/raft/index.js";
import {
  confOf,
  ELECTION_TICKS,
  Group,
  normal,
  preVote,
  preVoteResp,
  storageWith,
  TestNode,
  vote,
  voteResp,
} from "./group.js";

describe("elections", () => {
  test("a follower that hears from nobody is elected after its timeout", () => {
    const group = new Group([1, 2, 3]);
    group.tick(ELECTION_TICKS, [1]);
    expect(group.node(1).status).toMatchObject({ raftState: "leader", term: 1, lead: 1 });
    expect(group.node(2).status).toMatchObject({
      raftState: "follower",
      term: 1,
      lead: 1,
      vote: 1,
    });
  });

  test("the timeout is drawn from [n, 2n) at each change of role", () => {
    const drawn: number[] = [];
    const random = (n: number): number => {
      drawn.push(n);
      return n - 1;
    };
    const node = new TestNode(1, storageWith([1, 2]), { random });
    node.tick(2 * ELECTION_TICKS - 2);
    expect(node.status.raftState).toBe("follower");
    node.tick();
    expect(node.status.raftState).toBe("candidate");
    expect(drawn).toEqual([ELECTION_TICKS, ELECTION_TICKS]);
  });

  test("one vote a term, kept over a restart", () => {
    const node = new TestNode(1, storageWith([1, 2, 3]));
    node.step({ type: vote, from: 2, to: 1, term: 1, index: 1, logTerm: 1 });
    expect(node.take(voteResp)).toMatchObject([{ to: 2, reject: false }]);
    node.step({ type: vote, from: 3, to: 1, term: 1, index: 1, logTerm: 1 });
    expect(node.take(voteResp)).toMatchObject([{ to: 3, reject: true }]);
    const restarted = new TestNode(1, node.storage);
    restarted.step({ type: vote, from: 3, to: 1, term: 1, index: 1, logTerm: 1 });
    expect(restarted.take(voteResp)).toMatchObject([{ to: 3, reject: true }]);
    restarted.step({ type: vote, from: 2, to: 1, term: 1, index: 1, logTerm: 1 });
    expect(restarted.take(voteResp)).toMatchObject([{ to: 2, reject: false }]);
  });

  test.each([
    [2, 3, false],
    [2, 4, false],
    [3, 2, false],
    [2, 2, true],
    [1, 9, true],
  ])("a log that ends at %i/%i: refused %s by one that ends at 2/3", (logTerm, index, reject) => {
    const node = new TestNode(1, storageWith([1, 2], [normal(1, 2), normal(2, 3)], 2));
    node.step({ type: vote, from: 2, to: 1, term: 5, index, logTerm });
    expect(node.take(voteResp)).toMatchObject([{ reject, term: 5 }]);
  });

  test("a vote leaves only when it is durable", () => {
    const node = new TestNode(1, storageWith([1, 2]));
    node.holdDisk = true;
    node.step({ type: vote, from: 2, to: 1, term: 1, index: 1, logTerm: 1 });
    expect(node.take(voteResp)).toEqual([]);
    node.sync();
    expect(node.take(voteResp)).toHaveLength(1);
    expect(node.storage.initialState().hardState).toMatchObject({ term: 1, vote: 2 });
  });

  test("a candidate does not lead before its own vote is durable", () => {
    const node = new TestNode(1, storageWith([1, 2, 3]));
    node.holdDisk = true;
    node.raw.campaign();
    node.drain();
    node.step({ type: voteResp, from: 2, to: 1, term: 1 });
    node.step({ type: voteResp, from: 3, to: 1, term: 1 });
    expect(node.status.raftState).toBe("candidate");
    node.sync();
    expect(node.status.raftState).toBe("leader");
  });

  test("a candidate gives up when a majority refuses, or when another one leads", () => {
    const node = new TestNode(1, storageWith([1, 2, 3]));
    node.raw.campaign();
    node.drain();
    node.step({ type: voteResp, from: 2, to: 1, term: 1, reject: true });
    expect(node.status.raftState).toBe("candidate");
    node.step({ type: voteResp, from: 3, to: 1, term: 1, reject: true });
    expect(node.status).toMatchObject({ raftState: "follower", term: 1 });
    node.raw.campaign();
    node.drain();
    node.step({ type: MessageType.heartbeat, from: 3, to: 1, term: 2 });
    expect(node.status).toMatchObject({ raftState: "follower", term: 2, lead: 3 });
  });

  test("a learner doesn't campaign, but votes: it may be a voter without knowing it", () => {
    const storage = storageWith([1, 2, 3]);
    const metadata = { index: 2, term: 1, confState: confOf([2, 3], [1]) };
    storage.applySnapshot({ data: new Uint8Array(0), metadata });
    const learner = new TestNode(1, storage, { applied: 2 });
    learner.tick(3 * ELECTION_TICKS);
    learner.raw.campaign();
    learner.drain();
    expect(learner.status).toMatchObject({ raftState: "follower", term: 0 });
    learner.step({ type: vote, from: 3, to: 1, term: 4, index: 2, logTerm: 1 });
    expect(learner.take(voteResp)).toMatchObject([{ to: 3, reject: false, term: 4 }]);
  });

  test("who can't campaign tells with a refusal what is committed, and that is believed", () => {
    const removed = new TestNode(3, storageWith([1, 2, 3], [normal(1, 2), normal(1, 3)], 1));
    removed.step({
      type: MessageType.app,
      from: 1,
      to: 3,
      term: 1,
      index: 3,
      logTerm: 1,
      commit: 2,
    });
    removed.raw.applyConfChange(
      { transition: 0, changes: [{ type: 1, nodeId: 3 }], context: new Uint8Array(0) },
      2,
    );
    removed.take();
    removed.step({ type: vote, from: 2, to: 3, term: 2, index: 2, logTerm: 1 });
    const [refusal] = removed.take(voteResp);
    expect(refusal).toMatchObject({ reject: true, commit: 2, logTerm: 1 });
    const candidate = new TestNode(2, storageWith([1, 2, 3], [normal(1, 2)], 1));
    candidate.raw.campaign();
    candidate.drain();
    if (refusal !== undefined) candidate.raw.step(refusal);
    candidate.drain();
    expect(candidate.status).toMatchObject({ commit: 2, raftState: "follower" });
  });
});

describe("pre-vote", () => {
  test("a node that was cut off comes back without disturbing the leader", () => {
    const group = new Group([1, 2, 3], { preVote: true, checkQuorum: true });
    group.elect(1);
    group.isolate(3);
    group.tick(5 * ELECTION_TICKS);
    expect(group.node(3).status).toMatchObject({ raftState: "pre-candidate", term: 1 });
    group.isolate();
    group.tick(3);
    expect(group.node(3).status).toMatchObject({ raftState: "follower", term: 1, lead: 1 });
    expect(group.node(1).status).toMatchObject({ raftState: "leader", term: 1 });
  });

  test("it asks for the next term and stores nothing", () => {
    const node = new TestNode(1, storageWith([1, 2, 3]), { preVote: true });
    node.raw.campaign();
    node.drain();
    expect(node.take(preVote)).toMatchObject([{ term: 1 }, { term: 1 }]);
    expect(node.status).toMatchObject({ term: 0, vote: 0 });
    node.step({ type: preVoteResp, from: 2, to: 1, term: 1 });
    expect(node.take(vote)).toHaveLength(2);
    expect(node.status).toMatchObject({ term: 1, vote: 1 });
  });

  test("a refusal of a later term raises the term", () => {
    const node = new TestNode(1, storageWith([1, 2, 3]), { preVote: true });
    node.raw.campaign();
    node.drain();
    node.step({ type: preVoteResp, from: 2, to: 1, term: 7, reject: true });
    expect(node.status).toMatchObject({ term: 7, raftState: "follower" });
  });
});

describe("check-quorum", () => {
  test("a leader that hears from no quorum steps down within two timeouts", () => {
    const group = new Group([1, 2, 3], { checkQuorum: true });
    group.elect(1);
    group.isolate(1);
    group.tick(2 * ELECTION_TICKS, [1]);
    expect(group.node(1).status).toMatchObject({ raftState: "follower", lead: 0 });
    expect(group.node(1).events).toContainEqual({ kind: "quorum-lost", term: 1 });
  });

  test("a follower that hears from a leader doesn't vote for another one", () => {
    const group = new Group([1, 2, 3], { checkQuorum: true });
    group.elect(1);
    const node = group.node(2);
    node.step({ type: vote, from: 3, to: 2, term: 9, index: 99, logTerm: 9 });
    expect(node.take(voteResp)).toEqual([]);
    expect(node.status.term).toBe(1);
    node.tick(ELECTION_TICKS - 1);
    node.step({ type: vote, from: 3, to: 2, term: 9, index: 99, logTerm: 9 });
    expect(node.take(voteResp)).toEqual([]);
  });

  test("the leader of an earlier term is told and steps down", () => {
    const group = new Group([1, 2, 3], { checkQuorum: true });
    group.elect(1);
    const stuck = group.node(3);
    stuck.step({ type: MessageType.heartbeat, from: 2, to: 3, term: 5 });
    stuck.take();
    stuck.step({ type: MessageType.heartbeat, from: 1, to: 3, term: 1 });
    const answers = stuck.take(MessageType.appResp);
    expect(answers).toMatchObject([{ to: 1, term: 5 }]);
    for (const answer of answers) group.node(1).raw.step(answer);
    expect(group.node(1).status).toMatchObject({ raftState: "follower", term: 5 });
  });
});

describe("handing over leadership", () => {
  test("to a node that is up to date: at once, without pre-vote", () => {
    const group = new Group([1, 2, 3], { preVote: true, checkQuorum: true });
    group.elect(1);
    group.node(1).raw.transferLeader(3);
    group.settle();
    expect(group.node(3).status).toMatchObject({ raftState: "leader", term: 2 });
    expect(group.node(1).status.lead).toBe(3);
  });

  test("to a node that lags: after it has caught up; asked of a follower", () => {
    const group = new Group([1, 2, 3]);
    group.elect(1);
    group.isolate(3);
    for (const data of ["a", "b", "c"]) group.node(1).propose(data);
    group.settle();
    group.isolate();
    group.node(2).raw.transferLeader(3);
    group.settle();
    group.tick(2, [1]);
    expect(group.node(3).status.raftState).toBe("leader");
    expect(group.applied(3)).toEqual(["a", "b", "c"]);
  });

  test("drops proposals meanwhile and is given up after a timeout", () => {
    const group = new Group([1, 2, 3]);
    group.elect(1);
    group.isolate(3);
    group.node(1).raw.transferLeader(3);
    expect(group.node(1).status.leadTransferee).toBe(3);
    expect(group.node(1).propose("a")).toBe("transferring");
    group.tick(ELECTION_TICKS, [1]);
    expect(group.node(1).status.leadTransferee).toBe(0);
    expect(group.node(1).propose("b")).toBe("appended");
  });

  test("a learner, the leader itself and a stranger are ignored", () => {
    const group = new Group([1, 2]);
    group.elect(1);
    for (const id of [1, 9]) group.node(1).raw.transferLeader(id);
    expect(group.node(1).status.leadTransferee).toBe(0);
  });
});

test("a follower told to forget its leader votes at once", () => {
  const group = new Group([1, 2, 3], { checkQuorum: true });
  group.elect(1);
  const node = group.node(2);
  node.raw.forgetLeader();
  expect(node.status.lead).toBe(0);
  node.step({ type: vote, from: 3, to: 2, term: 2, index: 99, logTerm: 1 });
  expect(node.take(voteResp)).toMatchObject([{ reject: false }]);
  group.node(1).raw.forgetLeader();
  expect(group.node(1).status.lead).toBe(1);
});
