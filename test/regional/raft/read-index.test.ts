import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ConfChangeType,
  EntryType,
  encodeConfChange,
  MessageType,
} from "../../../regional/raft/index.js";
import { leaseTicks } from "../../../regional/raft/lease.js";
import { decodeRound, encodeRound } from "../../../regional/raft/reads.js";
import {
  app,
  appResp,
  bytes,
  ELECTION_TICKS,
  Group,
  heartbeat,
  heartbeatResp,
  normal,
  type Settings,
  storageWith,
  TestNode,
  text,
  vote,
  voteResp,
} from "./group.js";

fc.configureGlobal({ seed: 1 });

const contexts = (node: TestNode): string[] => node.reads.map((read) => text(read.context));

function read(node: TestNode, context: string): boolean {
  const asked = node.raw.readIndex(bytes(context));
  node.drain();
  return asked;
}

test("a round's number survives its 8 bytes, anything else is no round", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (round) => {
      expect(decodeRound(encodeRound(round))).toBe(round);
    }),
  );
  for (const context of [null, bytes(""), bytes("seven b")]) expect(decodeRound(context)).toBe(0);
});

describe("linearizable reads", () => {
  test("a leader answers when a quorum has answered a heartbeat sent after the request", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    read(leader, "r1");
    expect(leader.reads).toEqual([]);
    group.settle();
    expect(leader.reads).toMatchObject([{ index: leader.status.commit }]);
    expect(contexts(leader)).toEqual(["r1"]);
  });

  test("a follower's request is answered to it, with its own context", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    expect(read(group.node(2), "from two")).toBe(true);
    group.settle();
    expect(contexts(group.node(2))).toEqual(["from two"]);
    expect(group.node(2).reads[0]?.index).toBe(leader.status.commit);
    expect(leader.reads).toEqual([]);
  });

  test("without a known leader nothing is asked", () => {
    const group = new Group([1, 2, 3]);
    expect(read(group.node(2), "r")).toBe(false);
    group.node(1).raw.campaign();
    expect(read(group.node(1), "r")).toBe(false);
  });

  test("no answer before the leader has committed in its own term, then for all that wait", () => {
    const group = new Group([1, 2, 3]);
    group.elect(3);
    group.lose = (message) => message.type === appResp;
    const leader = group.elect(1);
    expect(leader.status).toMatchObject({ raftState: "leader", term: 2, commit: 2 });
    read(leader, "early");
    read(group.node(2), "early too");
    group.settle();
    expect(leader.sent.filter((message) => message.type === heartbeat)).toEqual([]);
    expect(leader.reads).toEqual([]);
    group.isolate();
    group.tick(2);
    expect(leader.status.commit).toBe(3);
    expect(contexts(leader)).toEqual(["early"]);
    expect(contexts(group.node(2))).toEqual(["early too"]);
    expect(leader.reads[0]?.index).toBe(3);
  });

  test("the only member waits for that too: its commit index may not have been stored", () => {
    const storage = storageWith([1], [normal(1, 2, "acknowledged")], 1);
    const node = new TestNode(1, storage);
    node.holdDisk = true;
    node.raw.campaign();
    node.drain();
    node.sync();
    node.drain();
    expect(node.status.raftState).toBe("leader");
    read(node, "r");
    expect(node.reads).toEqual([]);
    node.sync();
    node.drain();
    expect(node.reads).toMatchObject([{ index: 3 }]);
  });

  test("a late answer to an earlier request with the same context confirms nothing", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    read(leader, "same");
    const [first] = leader.take(heartbeat).filter((message) => message.to === 2);
    const follower = group.node(2);
    if (first !== undefined) follower.raw.step(first);
    follower.drain();
    const late = follower.take(heartbeatResp);
    // The first request was answered by the other follower in the meantime.
    leader.step({ type: heartbeatResp, from: 3, to: 1, term: 1, context: first?.context ?? null });
    expect(contexts(leader)).toEqual(["same"]);
    read(leader, "same");
    for (const answer of late) leader.raw.step(answer);
    leader.drain();
    expect(contexts(leader)).toEqual(["same"]);
    group.settle();
    expect(contexts(leader)).toEqual(["same", "same"]);
  });

  test("contexts on the wire are the core's, never the caller's, and never twice", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      read(leader, "12345678");
      const sent = leader.take(heartbeat).filter((message) => message.to === 2);
      seen.push(...sent.map((message) => String(message.context)));
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen).not.toContain(String(bytes("12345678")));
    leader.step({ type: heartbeatResp, from: 2, to: 1, term: 1, context: bytes("12345678") });
    expect(leader.reads).toEqual([]);
  });

  test("requests that come before a round's heartbeats are handed out share it", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    for (const context of ["a", "b", "c"]) leader.raw.readIndex(bytes(context));
    leader.drain();
    expect(leader.take(heartbeat)).toHaveLength(2);
    leader.raw.readIndex(bytes("d"));
    leader.drain();
    expect(leader.take(heartbeat)).toHaveLength(2);
  });

  test("an answer to a later round confirms the earlier ones; a lost round is asked again", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    read(leader, "a");
    read(leader, "b");
    leader.take(heartbeat);
    leader.tick();
    const again = leader.take(heartbeat);
    expect(decodeRound(again[0]?.context ?? null)).toBe(2);
    leader.step({ type: heartbeatResp, from: 2, to: 1, term: 1, context: encodeRound(2) });
    expect(contexts(leader)).toEqual(["a", "b"]);
  });

  test("a deposed leader answers nothing, and forgets what it was asked", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    group.isolate(1);
    read(leader, "stale");
    group.elect(2);
    group.node(2).propose("new");
    group.settle();
    expect(leader.reads).toEqual([]);
    group.isolate();
    group.tick(2);
    expect(leader.status.raftState).toBe("follower");
    expect(leader.reads).toEqual([]);
  });

  test("in a joint configuration both majorities must answer", () => {
    const group = new Group([1, 2, 3, 4, 5], {}, [1, 2, 3]);
    const leader = group.elect(1);
    const changes = [4, 5].map((nodeId) => ({ type: 0 as const, nodeId }));
    leader.raw.proposeConfChange({ transition: 2, changes, context: bytes("") });
    group.settle();
    expect(leader.status.confState.votersOutgoing).toEqual([1, 2, 3]);
    read(leader, "r");
    const [round] = leader.take(heartbeat);
    const answer = { type: heartbeatResp, to: 1, term: 1, context: round?.context ?? null };
    for (const from of [4, 5]) leader.step({ ...answer, from });
    expect(leader.reads).toEqual([]);
    leader.step({ ...answer, from: 2 });
    expect(contexts(leader)).toEqual(["r"]);
  });
});

describe("reads by lease", () => {
  const leases: Settings = { readOnly: "leaseBased", checkQuorum: true };

  test("are answered at once while a recent heartbeat was answered by a quorum", () => {
    const group = new Group([1, 2, 3], leases);
    const leader = group.elect(1);
    group.tick(1);
    group.isolate(1);
    for (let i = 0; i < leaseTicks(ELECTION_TICKS) - 1; i++) {
      leader.tick();
      read(leader, `r${i}`);
      expect(leader.reads).toHaveLength(i + 1);
    }
  });

  test("fall back to a round when the lease has run out, long before anyone else can lead", () => {
    const group = new Group([1, 2, 3], leases);
    const leader = group.elect(1);
    group.tick(1);
    group.isolate(1);
    leader.tick(leaseTicks(ELECTION_TICKS));
    read(leader, "late");
    expect(leader.reads).toEqual([]);
    expect(leaseTicks(ELECTION_TICKS)).toBeLessThan(ELECTION_TICKS - 1);
    expect(leaseTicks(3)).toBe(1);
  });

  test("run out while nobody ticks, as soon as the node is told of the time", () => {
    const group = new Group([1, 2, 3], leases);
    const leader = group.elect(1);
    group.tick(1);
    group.isolate(1);
    leader.raw.elapse(leaseTicks(ELECTION_TICKS) - 1);
    read(leader, "in time");
    expect(contexts(leader)).toEqual(["in time"]);
    leader.raw.elapse(1);
    read(leader, "late");
    expect(contexts(leader)).toEqual(["in time"]);
    // Nothing else has happened: it still leads, and beats with its next tick.
    expect(leader.status.raftState).toBe("leader");
    leader.take();
    leader.tick();
    expect(leader.take(heartbeat)).toHaveLength(2);
  });

  test("are honoured by members whose own reads are safe", () => {
    const group = new Group([1, 2, 3], { checkQuorum: true, honourLeases: true });
    const leader = group.elect(1);
    read(leader, "r");
    expect(leader.reads).toEqual([]);
    group.settle();
    group.node(2).raw.campaign();
    group.node(2).raw.forgetLeader();
    expect(group.node(2).status).toMatchObject({ raftState: "follower", lead: 1, term: 1 });
    const { storage } = group.node(2);
    const again = { checkQuorum: true, honourLeases: true, applied: 2 };
    const restarted = new TestNode(2, storage, again);
    restarted.step({ type: vote, from: 3, to: 2, term: 5, index: 9, logTerm: 1 });
    expect(restarted.take(voteResp)).toEqual([]);
  });

  test("end for the term when leadership is being handed over", () => {
    const group = new Group([1, 2, 3], leases);
    const leader = group.elect(1);
    group.tick(1);
    group.isolate(1);
    leader.raw.transferLeader(2);
    read(leader, "r");
    expect(leader.reads).toEqual([]);
    leader.tick(ELECTION_TICKS - 1);
    read(leader, "r");
    expect(leader.reads).toEqual([]);
  });

  test("a restarted member gives no vote for an election timeout", () => {
    const group = new Group([1, 2, 3], leases);
    group.elect(1);
    const { storage } = group.node(2);
    const restarted = new TestNode(2, storage, { ...leases, applied: 2 });
    const request = { type: vote, from: 3, to: 2, term: 5, index: 9, logTerm: 1 } as const;
    restarted.step(request);
    expect(restarted.take(voteResp)).toEqual([]);
    restarted.tick(ELECTION_TICKS);
    restarted.step(request);
    expect(restarted.take(voteResp)).toMatchObject([{ reject: false }]);
  });

  test("the only member needs no such pause, unless its log makes others voters", () => {
    const settings = { ...leases, applied: 2 };
    const alone = new TestNode(1, storageWith([1], [normal(1, 2)], 1), settings);
    alone.raw.campaign();
    alone.drain();
    expect(alone.status.raftState).toBe("leader");
    const change = { type: ConfChangeType.addNode, nodeId: 2 };
    const entry = {
      ...normal(1, 3),
      type: EntryType.confChangeV2,
      data: encodeConfChange({ transition: 0, changes: [change], context: bytes("") }),
    };
    const unsure = new TestNode(1, storageWith([1], [normal(1, 2), entry], 1), settings);
    unsure.raw.campaign();
    unsure.drain();
    expect(unsure.status.raftState).toBe("follower");
  });

  test("a new member's answers to heartbeats wait until it can know that it was asked", () => {
    const node = new TestNode(2, storageWith([1, 2, 3]), leases);
    node.holdDisk = true;
    node.step({ type: heartbeat, from: 1, to: 2, term: 1, context: encodeRound(1) });
    expect(node.take(heartbeatResp)).toEqual([]);
    node.sync();
    expect(node.take(heartbeatResp)).toHaveLength(1);
  });

  test("campaigning or forgetting against a living leader does nothing", () => {
    const group = new Group([1, 2, 3], leases);
    group.elect(1);
    group.node(2).raw.campaign();
    group.node(2).raw.forgetLeader();
    expect(group.node(2).status).toMatchObject({ raftState: "follower", lead: 1, term: 1 });
  });
});

test("an answer that overtakes its entries is kept until they are applied: the index says so", () => {
  const follower = new TestNode(2, storageWith([1, 2, 3]));
  const entries = [normal(1, 2, "a")];
  follower.holdDisk = true;
  follower.step({ type: app, from: 1, to: 2, term: 1, index: 1, logTerm: 1, entries, commit: 2 });
  const context = bytes("r");
  follower.step({ type: MessageType.readIndexResp, from: 1, to: 2, term: 1, index: 2, context });
  expect(follower.reads).toMatchObject([{ index: 2 }]);
  expect(follower.status.applied).toBe(1);
});
