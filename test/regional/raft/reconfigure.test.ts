import { describe, expect, test } from "vitest";
import {
  type ConfChange,
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  MessageType,
} from "../../../regional/raft/index.js";
import { bytes, confOf, Group, type TestNode } from "./group.js";

const { addNode, addLearnerNode, removeNode } = ConfChangeType;
const { auto, jointExplicit } = ConfChangeTransition;

function change(
  transition: ConfChangeTransition,
  ...changes: [ConfChangeType, number][]
): ConfChange {
  const singles = changes.map(([type, nodeId]) => ({ type, nodeId }));
  return { transition, changes: singles, context: bytes("") };
}

/** Proposes a change at a node and settles. */
function apply(group: Group, node: TestNode, it: ConfChange): string {
  const outcome = node.raw.proposeConfChange(it);
  group.settle();
  return outcome;
}

describe("membership changes", () => {
  test("a node that is added gets the log and counts", () => {
    const group = new Group([1, 2, 3], {}, [1, 2]);
    const leader = group.elect(1);
    expect(apply(group, leader, change(auto, [addNode, 3]))).toBe("appended");
    expect(leader.status.confState).toEqual(confOf([1, 2, 3]));
    group.isolate(2);
    leader.propose("a");
    group.settle();
    expect(group.applied(3)).toEqual(["a"]);
  });

  test("a learner gets the log and doesn't count", () => {
    const group = new Group([1, 2, 3], {}, [1, 2]);
    const leader = group.elect(1);
    apply(group, leader, change(auto, [addLearnerNode, 3]));
    expect(leader.status.progress?.get(3)).toMatchObject({ isLearner: true });
    group.isolate(2);
    leader.propose("a");
    group.settle();
    expect(leader.status.commit).toBe(3);
    group.isolate();
    group.tick(1);
    expect(group.applied(3)).toEqual(["a"]);
  });

  test("several changes go through a joint configuration, which the leader leaves by itself", () => {
    const group = new Group([1, 2, 3, 4], {}, [1, 2, 3]);
    const leader = group.elect(1);
    apply(group, leader, change(auto, [addNode, 4], [removeNode, 3]));
    expect(leader.status.confState).toEqual(confOf([1, 2, 4]));
    const types = group.node(2).applied.map((entry) => entry.type);
    expect(types.filter((type) => type === EntryType.confChangeV2)).toHaveLength(2);
  });

  test("an explicit joint configuration is left when the caller says so", () => {
    const group = new Group([1, 2, 3, 4], {}, [1, 2, 3]);
    const leader = group.elect(1);
    apply(group, leader, change(jointExplicit, [addNode, 4], [addLearnerNode, 3]));
    expect(leader.status.confState).toMatchObject({
      voters: [1, 2, 4],
      votersOutgoing: [1, 2, 3],
      learnersNext: [3],
      autoLeave: false,
    });
    // Both majorities are needed now.
    group.lose = (message) => message.to === 2 || message.to === 3;
    leader.propose("a");
    group.settle();
    const stuck = leader.status.commit;
    group.isolate();
    group.tick(2);
    expect(leader.status.commit).toBe(stuck + 1);
    apply(group, leader, change(auto));
    expect(leader.status.confState).toEqual(confOf([1, 2, 4], [3]));
  });

  test("a leader that leaves a joint configuration by itself does so after it was deposed and back", () => {
    const group = new Group([1, 2, 3, 4], {}, [1, 2, 3]);
    const leader = group.elect(1);
    group.node(1).holdApply = true;
    apply(group, leader, change(auto, [addNode, 4], [removeNode, 3]));
    group.elect(2);
    group.node(1).holdApply = false;
    group.node(1).apply();
    group.tick(2);
    expect(group.node(2).status).toMatchObject({
      raftState: "leader",
      confState: confOf([1, 2, 4]),
    });
  });

  test.each([
    ["a second one while the first is not applied", change(auto, [addNode, 5]), /not applied/],
  ])("%s is refused and leaves an empty entry", (_, second, reason) => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    leader.holdApply = true;
    leader.raw.proposeConfChange(change(auto, [addNode, 4]));
    expect(leader.raw.proposeConfChange(second)).toBe("conf-change-refused");
    expect(String(leader.events.at(-1) && JSON.stringify(leader.events.at(-1)))).toMatch(reason);
    group.settle();
    expect(group.node(2).applied.at(-1)).toMatchObject({ type: EntryType.normal });
    expect(group.node(2).status.confState.voters).toEqual([1, 2, 3, 4]);
  });

  test.each([
    ["removes all voters", [change(auto, [removeNode, 1], [removeNode, 2], [removeNode, 3])]],
    ["leaves what is not joint", [change(auto)]],
    ["enters what is joint", [change(jointExplicit, [addNode, 4]), change(auto, [addNode, 5])]],
  ])("one that %s is refused", (_, changes) => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    let outcome = "";
    for (const it of changes) outcome = apply(group, leader, it);
    expect(outcome).toBe("conf-change-refused");
    leader.propose("still works");
    group.settle();
    expect(group.applied(2)).toEqual(["still works"]);
  });

  test("a malformed one that came by the wire is refused, too", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    const entries = [{ term: 0, index: 0, type: EntryType.confChangeV2, data: bytes("\u0080") }];
    leader.step({ type: MessageType.prop, from: 2, to: 1, entries });
    group.settle();
    expect(leader.status.confState).toEqual(confOf([1, 2, 3]));
    expect(leader.events.at(-1)?.kind).toBe("conf-change-refused");
  });

  test("a leader that is removed steps down, if it is told to, and refuses proposals if not", () => {
    for (const stepDownOnRemoval of [true, false]) {
      const group = new Group([1, 2, 3], { stepDownOnRemoval });
      const leader = group.elect(1);
      apply(group, leader, change(auto, [removeNode, 1]));
      expect(leader.status.raftState).toBe(stepDownOnRemoval ? "follower" : "leader");
      expect(leader.propose("a")).toBe(stepDownOnRemoval ? "no-leader" : "not-member");
      leader.tick(30);
      expect(leader.status.raftState).toBe(stepDownOnRemoval ? "follower" : "leader");
      group.elect(2);
      expect(group.node(2).status.raftState).toBe("leader");
    }
  });

  test("a smaller quorum commits what waited for the larger one", () => {
    const group = new Group([1, 2, 3, 4]);
    const leader = group.elect(1);
    apply(group, leader, change(auto, [removeNode, 4]));
    group.lose = (message) => message.from === 3 || message.to === 3;
    leader.propose("a");
    group.settle();
    expect(group.applied(1)).toEqual(["a"]);
  });

  test("a transfer to a node that is removed ends", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    leader.holdApply = true;
    leader.raw.proposeConfChange(change(auto, [removeNode, 3]));
    group.settle();
    group.isolate(3);
    leader.raw.transferLeader(3);
    leader.holdApply = false;
    leader.apply();
    group.settle();
    expect(leader.status).toMatchObject({ leadTransferee: 0, confState: confOf([1, 2]) });
  });

  test("nobody campaigns with a committed membership change still to apply", () => {
    const group = new Group([1, 2, 3]);
    const leader = group.elect(1);
    group.node(2).holdApply = true;
    apply(group, leader, change(auto, [addNode, 4]));
    group.node(2).raw.campaign();
    expect(group.node(2).status.raftState).toBe("follower");
    group.node(2).apply();
    group.node(2).raw.campaign();
    expect(group.node(2).status.raftState).toBe("candidate");
  });

  test("a change that a snapshot has overtaken gives the membership at its own place", () => {
    const group = new Group([1, 2, 3, 4], {}, [1, 2, 3]);
    const leader = group.elect(1);
    const follower = group.node(3);
    follower.holdApply = true;
    apply(group, leader, change(auto, [addLearnerNode, 4]));
    const overtaken = follower.status.commit;
    expect(follower.applies).not.toHaveLength(0);
    follower.holdDisk = true;
    const active = confOf([1, 2, 3, 4]);
    const metadata = { index: overtaken + 10, term: leader.status.term, confState: active };
    const snapshot = { data: bytes(""), metadata };
    const { term } = leader.status;
    follower.step({ type: MessageType.snap, from: 1, to: 3, term, snapshot });
    expect(follower.status.confState).toEqual(active);
    const before = change(auto, [addLearnerNode, 4]);
    expect(follower.raw.applyConfChange(before, overtaken)).toEqual(confOf([1, 2, 3], [4]));
    expect(follower.status.confState).toEqual(active);
    // What is applied once the snapshot is installed goes on from it.
    follower.sync();
    const after = change(auto, [removeNode, 4]);
    expect(follower.raw.applyConfChange(after, overtaken + 11)).toEqual(confOf([1, 2, 3]));
  });
});
