import { describe, expect, test } from "vitest";
import { isTaken, MessageType, makeMessage } from "../../../regional/raft/index.js";
import { app, appResp, bytes, Group, normal, storageWith, TestNode } from "./group.js";

describe("proposals", () => {
  test("a batch is applied everywhere, in order", () => {
    const group = new Group([1, 2, 3]);
    group.elect(1);
    expect(group.node(1).propose("a", "b", "c")).toBe("appended");
    group.settle();
    for (const id of [1, 2, 3]) expect(group.applied(id)).toEqual(["a", "b", "c"]);
  });

  test("a follower forwards a batch in one message", () => {
    const group = new Group([1, 2, 3]);
    group.elect(1);
    expect(group.node(2).propose("a", "b")).toBe("forwarded");
    expect(group.node(2).take(MessageType.prop)).toMatchObject([{ to: 1, from: 2 }]);
    group.node(2).propose("c", "d");
    group.settle();
    expect(group.applied(3)).toEqual(["c", "d"]);
  });

  test("without a leader, or without forwarding, they are dropped", () => {
    const group = new Group([1, 2, 3], { disableProposalForwarding: true });
    const lost = group.node(2).propose("a");
    expect(lost).toBe("no-leader");
    group.elect(1);
    expect(group.node(2).propose("a")).toBe("forwarding-disabled");
    expect(isTaken(lost)).toBe(false);
    group.node(3).raw.campaign();
    expect(group.node(3).raw.propose([bytes("a")])).toBe("no-leader");
  });

  test("an uncommitted tail above its bound takes no more, but empty payloads always", () => {
    const group = new Group([1, 2, 3], { maxUncommittedSize: 10 });
    group.elect(1);
    group.isolate(1);
    const leader = group.node(1);
    expect(leader.propose("a payload longer than the bound")).toBe("appended");
    expect(leader.propose("b")).toBe("uncommitted-limit");
    expect(leader.propose("")).toBe("appended");
    group.isolate();
    group.tick(1);
    expect(leader.propose("c")).toBe("appended");
  });

  test("nothing to propose is nothing done", () => {
    const group = new Group([1]);
    expect(group.node(1).propose()).toBe("appended");
    expect(group.node(1).status.lastIndex).toBe(1);
  });
});

describe("replication", () => {
  test("appends are pipelined up to the window, cut to the message size", () => {
    const group = new Group([1, 2], { maxSizePerMessage: 40, maxInflightMessages: 3 });
    const leader = group.elect(1);
    for (let i = 0; i < 5; i++) leader.propose("x".repeat(30));
    expect(leader.take(app)).toHaveLength(3);
    expect(leader.status.progress?.get(2)).toMatchObject({
      state: "replicate",
      inflight: 3,
      inflightFull: true,
      paused: true,
    });
  });

  test("and up to the window in bytes", () => {
    const settings = { maxSizePerMessage: 100, maxInflightBytes: 100, maxInflightMessages: 64 };
    const group = new Group([1, 2], settings);
    const leader = group.elect(1);
    for (let i = 0; i < 5; i++) leader.propose("x".repeat(50));
    expect(leader.take(app)).toHaveLength(2);
  });

  test("a full window whose messages were all lost recovers by a heartbeat", () => {
    const group = new Group([1, 2, 3], { maxInflightMessages: 2 });
    const leader = group.elect(1);
    group.lose = (message) => message.type === app && message.to === 3;
    for (const data of ["a", "b", "c", "d"]) leader.propose(data);
    group.settle();
    group.isolate();
    group.tick(2, [1]);
    expect(group.applied(3)).toEqual(["a", "b", "c", "d"]);
  });

  test("an unreachable follower is probed", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    leader.raw.reportUnreachable(2);
    expect(leader.status.progress?.get(2)?.state).toBe("probe");
    group.tick(1);
    expect(leader.status.progress?.get(2)?.state).toBe("replicate");
  });

  test("a follower's divergent tail is found by its hint and overwritten", () => {
    const own = [normal(1, 2), normal(2, 3), normal(2, 4), normal(2, 5)];
    const follower = new TestNode(2, storageWith([1, 2, 3], own, 2));
    const probe = { type: app, from: 1, to: 2, term: 4 };
    follower.step({ ...probe, index: 6, logTerm: 3 });
    expect(follower.take(appResp)).toMatchObject([
      { index: 6, reject: true, rejectHint: 5, logTerm: 2 },
    ]);
    follower.step({
      ...probe,
      index: 2,
      logTerm: 1,
      entries: [normal(3, 3), normal(4, 4)],
      commit: 9,
    });
    expect(follower.take(appResp)).toMatchObject([{ index: 4, reject: false }]);
    expect(follower.status).toMatchObject({ lastIndex: 4, commit: 4 });
    expect(follower.events).toContainEqual({ kind: "truncate", from: 3, last: 5 });
  });

  test("an old append of entries that are there already truncates nothing", () => {
    const own = [normal(1, 2), normal(1, 3), normal(1, 4)];
    const follower = new TestNode(2, storageWith([1, 2, 3], own, 1));
    follower.step({
      type: app,
      from: 1,
      to: 2,
      term: 1,
      index: 1,
      logTerm: 1,
      entries: [normal(1, 2)],
    });
    expect(follower.status.lastIndex).toBe(4);
    expect(follower.take(appResp)).toMatchObject([{ index: 2 }]);
  });

  test("entries that don't follow one another are ignored", () => {
    const follower = new TestNode(2, storageWith([1, 2, 3]));
    const entries = [normal(1, 3), normal(1, 4)];
    follower.step({ type: app, from: 1, to: 2, term: 1, index: 1, logTerm: 1, entries });
    expect(follower.take(appResp)).toEqual([]);
    expect(follower.status.lastIndex).toBe(1);
  });

  test("an entry of an earlier term is committed only with one of the leader's own", () => {
    const group = new Group([1, 2, 3]);
    group.nodes.set(1, new TestNode(1, storageWith([1, 2, 3], [normal(2, 2, "old")], 2)));
    group.lose = (message) =>
      message.type === app && message.entries.some((entry) => entry.term > 2);
    const leader = group.elect(1);
    leader.step({ type: appResp, from: 2, to: 1, term: 3, index: 2 });
    expect(leader.status).toMatchObject({ raftState: "leader", commit: 1 });
    leader.step({ type: appResp, from: 2, to: 1, term: 3, index: 3 });
    expect(leader.status.commit).toBe(3);
  });

  test("a log that was lost under a commit is an error, not a silence", () => {
    const follower = new TestNode(2, storageWith([1, 2]));
    const beat = { type: MessageType.heartbeat, from: 1, to: 2, term: 1, commit: 8 };
    expect(() => follower.step(beat)).toThrow(/entries were lost/);
  });
});

describe("snapshots", () => {
  function groupWithLaggard(): Group {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    group.isolate(3);
    for (let i = 0; i < 10; i++) leader.propose(`p${i}`);
    group.settle();
    const { applied, confState } = leader.status;
    leader.storage.createSnapshot(applied, confState, bytes("state"));
    leader.storage.compact(applied - 2);
    group.isolate();
    return group;
  }

  test("a follower whose entries are gone gets one and goes on from there", () => {
    const group = groupWithLaggard();
    group.node(1).propose("after");
    group.tick(2);
    expect(group.node(3).snapshots).toMatchObject([{ metadata: { index: 12 } }]);
    expect(group.applied(3)).toEqual(["after"]);
    expect(group.node(3).status.confState.voters).toEqual([1, 2, 3]);
    expect(group.node(1).status.progress?.get(3)).toMatchObject({ state: "replicate", match: 13 });
  });

  test("one that failed is tried again after a heartbeat", () => {
    const group = groupWithLaggard();
    const leader = group.node(1);
    group.lose = (message) => message.type === MessageType.snap;
    group.tick(1, [1]);
    expect(leader.status.progress?.get(3)).toMatchObject({
      state: "snapshot",
      pendingSnapshot: 12,
    });
    group.isolate();
    leader.raw.reportSnapshot(3, false);
    expect(leader.status.progress?.get(3)).toMatchObject({ state: "probe", paused: true });
    group.tick(2);
    expect(group.node(3).status.applied).toBe(12);
  });

  test("one that arrived, but whose acknowledgement was lost, is followed by a probe", () => {
    const group = groupWithLaggard();
    group.lose = (message) => message.from === 3 && message.type === appResp && !message.reject;
    group.tick(1);
    group.isolate();
    const leader = group.node(1);
    leader.raw.reportSnapshot(3, true);
    expect(leader.status.progress?.get(3)).toMatchObject({ state: "probe", next: 13 });
    group.tick(2);
    expect(leader.status.progress?.get(3)?.state).toBe("replicate");
  });

  test("none is sent while there is none to send", () => {
    const group = groupWithLaggard();
    const leader = group.node(1);
    leader.storage.snapshot = () => undefined as never;
    group.tick(2);
    expect(group.node(3).snapshots).toEqual([]);
    expect(leader.status.progress?.get(3)?.state).toBe("probe");
  });

  test("one that brings nothing new, or has no place for the node, is not installed", () => {
    const node = new TestNode(2, storageWith([1, 2], [normal(1, 2), normal(1, 3)], 1));
    const snap = (index: number, voters: number[]) => ({
      data: bytes(""),
      metadata: {
        index,
        term: 1,
        confState: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
      },
    });
    const message = { type: MessageType.snap, from: 1, to: 2, term: 1 };
    node.step({ ...message, snapshot: snap(9, [1, 3]) });
    expect(node.status.lastIndex).toBe(3);
    // The log holds the entry at its end: it is kept, and committed that far.
    node.step({ ...message, snapshot: snap(3, [1, 2]) });
    expect(node.status).toMatchObject({ commit: 3, lastIndex: 3 });
    expect(node.snapshots).toEqual([]);
    expect(node.take(appResp)).toMatchObject([{ index: 1 }, { index: 3 }]);
  });
});

describe("what a node doesn't listen to", () => {
  test("messages that never travel, and answers of strangers", () => {
    const node = new TestNode(1, storageWith([1, 2]));
    const step = (type: MessageType, from: number) =>
      node.raw.step(makeMessage({ type, from, to: 1, term: 1 }));
    expect(step(MessageType.hup, 2)).toBe("local-message");
    expect(step(MessageType.storageAppendResp, 2)).toBe("local-message");
    expect(step(appResp, 9)).toBe("unknown-peer");
    expect(step(MessageType.heartbeat, 2)).toBe("ok");
  });
});
