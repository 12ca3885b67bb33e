import { describe, expect, test } from "vitest";
import { MessageType } from "../../../regional/raft/index.js";
import {
  app,
  appResp,
  bytes,
  confOf,
  Group,
  normal,
  storageWith,
  TestNode,
  text,
} from "./group.js";

describe("asynchronous storage", () => {
  test("a leader's own entry counts only when it is durable", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    leader.holdDisk = true;
    group.node(2).holdDisk = true;
    leader.propose("a");
    group.settle();
    expect(leader.status.commit).toBe(2);
    leader.sync();
    group.settle();
    expect(leader.status.commit).toBe(3);
    expect(group.applied(3)).toEqual(["a"]);
  });

  test("two followers that have it are a quorum without the leader's disk", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    leader.holdDisk = true;
    leader.propose("a");
    group.settle();
    expect(leader.status.commit).toBe(3);
    // But the leader applies only what it holds itself.
    expect(group.applied(1)).toEqual([]);
    expect(group.applied(2)).toEqual(["a"]);
    leader.sync();
    group.settle();
    expect(group.applied(1)).toEqual(["a"]);
  });

  test("an acknowledgement waits for its write, appends are pipelined meanwhile", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    const follower = group.node(2);
    follower.holdDisk = true;
    leader.propose("a");
    group.settle();
    leader.propose("b");
    group.settle();
    expect(follower.appends.map((write) => write.entries.length)).toEqual([1, 0, 1, 0]);
    expect(leader.status.progress?.get(2)).toMatchObject({ match: 2, next: 5 });
    follower.sync(1);
    group.settle();
    expect(leader.status.progress?.get(2)?.match).toBe(3);
    follower.sync();
    group.settle();
    expect(leader.status.progress?.get(2)?.match).toBe(4);
  });

  test("all disks may be stuck for long without the leader losing its quorum", () => {
    const group = new Group([1, 2, 3], { checkQuorum: true, honourLeases: true });
    const leader = group.elect(1);
    for (const node of group.nodes.values()) node.holdDisk = true;
    leader.propose("a");
    group.settle();
    for (let tick = 0; tick < 100; tick++) {
      for (const node of group.nodes.values()) node.tick();
      group.settle();
    }
    expect(leader.status.raftState).toBe("leader");
    expect(leader.status.commit).toBe(2);
  });

  test("only a commit index is to be written: no sync is asked for", () => {
    const node = new TestNode(2, storageWith([1, 2], [normal(1, 2)], 1));
    node.raw.step({ ...messageOf(1), commit: 2 });
    const ready = node.raw.ready();
    expect(ready.mustSync).toBe(false);
    expect(ready.storageAppend?.hardState).toEqual({ term: 1, vote: 0, commit: 2 });
    node.raw.step({ ...messageOf(2), commit: 2 });
    expect(node.raw.ready().mustSync).toBe(true);
  });

  /** An empty append of node 1 to node 2 that matches at entry 2. */
  function messageOf(term: number) {
    return {
      type: app,
      from: 1,
      to: 2,
      term,
      index: 2,
      logTerm: 1,
      commit: 0,
      entries: [],
      reject: false,
      rejectHint: 0,
      priority: 0,
      context: null,
      snapshot: null,
      hardState: null,
      responses: [],
    };
  }

  test("a report of a write of an earlier term doesn't count: it may be overwritten (ABA)", () => {
    const node = new TestNode(2, storageWith([1, 2, 3]));
    node.holdDisk = true;
    const base = { type: app, to: 2, index: 1, logTerm: 1 } as const;
    // Entry 2 of term 1, then overwritten by one of term 2, then by the first one again.
    node.step({ ...base, from: 1, term: 1, entries: [normal(1, 2, "a")] });
    node.step({ ...base, from: 3, term: 2, entries: [normal(2, 2, "b")] });
    node.step({ ...base, from: 1, term: 3, entries: [normal(1, 2, "a")], commit: 2 });
    expect(node.appends).toHaveLength(3);
    // The first write is done: the stable log holds the very entry, but won't for long.
    node.sync(1);
    expect(node.storage.term(2)).toBe(1);
    expect(node.events).toContainEqual({ kind: "stale-append-ack", index: 2, term: 1 });
    expect(node.applies).toEqual([]);
    node.drain();
    expect(node.applied).toEqual([]);
    node.sync(1);
    expect(node.storage.term(2)).toBe(2);
    node.drain();
    expect(node.applied).toEqual([]);
    node.sync(1);
    node.drain();
    expect(node.applied.map((entry) => text(entry.data))).toEqual(["a"]);
  });

  test("a change of term reports entries whose own report came too late", () => {
    const node = new TestNode(2, storageWith([1, 2, 3]));
    node.holdDisk = true;
    node.step({
      type: app,
      from: 1,
      to: 2,
      term: 1,
      index: 1,
      logTerm: 1,
      entries: [normal(1, 2)],
    });
    node.step({ type: MessageType.heartbeat, from: 3, to: 2, term: 2 });
    node.sync(1);
    expect(node.events).toContainEqual({ kind: "stale-append-ack", index: 2, term: 1 });
    node.sync();
    node.step({ type: app, from: 3, to: 2, term: 2, index: 2, logTerm: 1, commit: 2 });
    node.sync();
    node.drain();
    expect(node.applied).toHaveLength(1);
  });

  test("what is handed out for apply is bounded in bytes until it is applied", () => {
    const group = new Group([1], { maxCommittedSizePerReady: 250 });
    const node = group.elect(1);
    node.holdApply = true;
    node.propose(..."abcdef".split("").map((letter) => letter.repeat(100)));
    const sizes = (): number[] => node.applies.map((message) => message.entries.length);
    expect(sizes()).toEqual([2]);
    node.holdApply = false;
    node.apply();
    node.drain();
    expect(group.applied(1)).toHaveLength(6);
  });

  test("a snapshot that arrives while a membership change is being applied wins", () => {
    const node = new TestNode(2, storageWith([1, 2, 3]));
    node.holdApply = true;
    // Removes node 3 by the older form of the change; the snapshot knows better.
    const change = {
      term: 1,
      index: 2,
      type: 1 as const,
      data: Uint8Array.from([0x10, 1, 0x18, 3]),
    };
    node.step({
      type: app,
      from: 1,
      to: 2,
      term: 1,
      index: 1,
      logTerm: 1,
      entries: [change],
      commit: 2,
    });
    expect(node.applies).toHaveLength(1);
    node.holdDisk = true;
    const confState = confOf([1, 2, 3, 4]);
    const snapshot = { data: bytes("s"), metadata: { index: 9, term: 1, confState } };
    node.step({ type: MessageType.snap, from: 1, to: 2, term: 1, snapshot });
    node.apply();
    expect(node.status.confState).toEqual(confState);
    node.sync();
    node.drain();
    expect(node.status).toMatchObject({ applied: 9, confState });
  });

  test("a node whose snapshot isn't installed yet doesn't campaign", () => {
    const node = new TestNode(2, storageWith([1, 2, 3]));
    node.holdDisk = true;
    const snapshot = {
      data: bytes("s"),
      metadata: { index: 9, term: 1, confState: confOf([1, 2]) },
    };
    node.step({ type: MessageType.snap, from: 1, to: 2, term: 1, snapshot });
    node.raw.campaign();
    node.drain();
    expect(node.status.raftState).toBe("follower");
    node.sync();
    node.raw.campaign();
    expect(node.status.raftState).toBe("candidate");
    expect(node.take(appResp)).toMatchObject([{ index: 9 }]);
  });

  test("advance() has no place here, and is owed with synchronous storage", () => {
    expect(() => new TestNode(1, storageWith([1])).raw.advance()).toThrow(/asynchronous/);
    const sync = new TestNode(1, storageWith([1]), { asyncStorageWrites: false });
    sync.raw.campaign();
    sync.raw.ready();
    expect(() => sync.raw.ready()).toThrow(/before advance/);
  });
});

test("with synchronous storage, Ready and advance carry a whole group", () => {
  const nodes = [1, 2, 3].map(
    (id) => new TestNode(id, storageWith([1, 2, 3]), { asyncStorageWrites: false }),
  );
  const applied = new Map<number, string[]>();
  const settle = (): void => {
    for (let busy = true; busy; ) {
      busy = false;
      for (const { id, raw, storage } of nodes) {
        if (!raw.hasReady()) continue;
        busy = true;
        const ready = raw.ready();
        expect([ready.storageAppend, ready.storageApply]).toEqual([null, null]);
        storage.append(ready.entries);
        if (ready.hardState !== null) storage.setHardState(ready.hardState);
        for (const message of ready.messages) nodes[message.to - 1]?.raw.step(message);
        const datas = ready.committedEntries.map((entry) => text(entry.data)).filter(Boolean);
        applied.set(id, [...(applied.get(id) ?? []), ...datas]);
        raw.advance();
      }
    }
  };
  nodes[0]?.raw.campaign();
  settle();
  nodes[0]?.raw.propose([bytes("a"), bytes("b")]);
  settle();
  for (const id of [1, 2, 3]) expect(applied.get(id)).toEqual(["a", "b"]);
});
