import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ConfChange,
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
} from "../../../regional/raft/index.js";
import { changeMembership, checkedConfState, isJoint } from "../../../regional/raft/membership.js";
import { jointVote } from "../../../regional/raft/quorum.js";
import { confOf } from "./group.js";

fc.configureGlobal({ seed: 1 });

const change: fc.Arbitrary<ConfChange> = fc.record({
  transition: fc.constantFrom(...Object.values(ConfChangeTransition)),
  changes: fc.array(
    fc.record({
      type: fc.constantFrom(...Object.values(ConfChangeType)),
      nodeId: fc.nat({ max: 6 }),
    }),
    { maxLength: 4 },
  ),
  context: fc.constant(new Uint8Array(0)),
});

/** Can two elections be won at once, one in each membership, if nobody votes twice? */
function canSplit(one: ConfState, other: ConfState): boolean {
  for (let mask = 0; mask < 1 << 7; mask++) {
    const votes = new Map<number, boolean>();
    const opposite = new Map<number, boolean>();
    for (let id = 0; id < 7; id++) {
      votes.set(id, ((mask >> id) & 1) === 1);
      opposite.set(id, ((mask >> id) & 1) === 0);
    }
    const won = (conf: ConfState, by: Map<number, boolean>): boolean =>
      jointVote(conf.voters, conf.votersOutgoing, by) === "won";
    if (won(one, votes) && won(other, opposite)) return true;
  }
  return false;
}

describe("membership changes", () => {
  test("any sequence leaves a valid membership whose quorums overlap the one before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        let conf = confOf([1, 2, 3]) as ConfState;
        for (const it of changes) {
          let next: ConfState;
          try {
            next = changeMembership(conf, it).conf;
          } catch {
            continue;
          }
          expect(checkedConfState(next)).toEqual(next);
          expect(canSplit(conf, next)).toBe(false);
          conf = next;
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a voter that is demoted in a joint membership becomes a learner when it is left", () => {
    const demote = { type: ConfChangeType.addLearnerNode, nodeId: 3 };
    const add = { type: ConfChangeType.addNode, nodeId: 4 };
    const none = new Uint8Array(0);
    const joint = changeMembership(confOf([1, 2, 3]), {
      transition: ConfChangeTransition.auto,
      changes: [demote, add],
      context: none,
    }).conf;
    expect(isJoint(joint)).toBe(true);
    expect(joint).toEqual({
      voters: [1, 2, 4],
      votersOutgoing: [1, 2, 3],
      learners: [],
      learnersNext: [3],
      autoLeave: true,
    });
    const leave = { transition: ConfChangeTransition.auto, changes: [], context: none };
    expect(changeMembership(joint, leave).conf).toEqual(confOf([1, 2, 4], [3]));
  });

  test.each([
    ["learners that vote", { ...confOf([1, 2], [2]) }, /2 is both/],
    ["a node twice", confOf([1, 1]), /holds 1 twice/],
    ["a node id of 0", confOf([0]), /not a node id/],
    ["a staged learner that isn't outgoing", { ...confOf([1]), learnersNext: [2] }, /learnersNext/],
    ["autoLeave outside joint", { ...confOf([1]), autoLeave: true }, /autoLeave/],
    ["a joint one without voters", { ...confOf([]), votersOutgoing: [1] }, /no voters/],
  ])("%s are refused", (_, conf, message) => {
    expect(() => checkedConfState(conf)).toThrow(message);
  });
});
