import { describe, expect, it } from "vitest";
import { changeRefusal, type GroupHealth } from "../../../regional/member/member-guard.js";
import { Refusal } from "../../../regional/peer/proposal-wire.js";
import type { MemberChange } from "../../../regional/store/member-change.js";
import { MEMBER_HEALTH_MS } from "../../../shared/limits.js";

interface Picture {
  readonly voters?: readonly number[];
  readonly learners?: readonly number[];
  /** Members that have not started. */
  readonly unstarted?: readonly number[];
  /** Milliseconds of the connections that aren't old. */
  readonly young?: Readonly<Record<number, number>>;
  readonly matches?: Readonly<Record<number, number>>;
}

/** A healthy group of three with member 1 leading, but for what is said. */
function group(picture: Picture = {}): GroupHealth {
  const { voters = [1, 2, 3], learners = [], unstarted = [], young = {}, matches = {} } = picture;
  const all = [...voters, ...learners];
  return {
    self: 1,
    voters,
    learners,
    isStarted: (id) => !unstarted.includes(id),
    connectedMs: (id) => young[id] ?? (all.includes(id) ? MEMBER_HEALTH_MS : 0),
    match: (id) => matches[id] ?? (all.includes(id) ? 1_000 : undefined),
  };
}

function change(kind: MemberChange["kind"], id: number, isLearner = false): MemberChange {
  return { kind, member: { id, name: "", peerUrls: [], clientUrls: [] }, isLearner };
}

const { notEnoughStarted, unhealthy, learnerNotReady } = Refusal;

describe("a change of the members", () => {
  it.each([
    ["a voter to three", {}, undefined],
    ["a voter to one", { voters: [1] }, undefined],
    ["a second voter while none is started", { voters: [1], unstarted: [1] }, notEnoughStarted],
    [
      "a third voter to two of which one is started",
      { voters: [1, 2], unstarted: [2] },
      notEnoughStarted,
    ],
    [
      "a voter to four of which one isn't started",
      { voters: [1, 2, 3, 4], unstarted: [3] },
      undefined,
    ],
    ["a voter to three of which one isn't started", { unstarted: [3] }, notEnoughStarted],
    ["a voter while one is down", { young: { 3: 0 } }, unhealthy],
    ["a voter while one has just come", { young: { 3: MEMBER_HEALTH_MS - 1 } }, unhealthy],
  ])("adds %s: %#", (_what, picture: Picture, refusal) => {
    expect(changeRefusal(change("add", 9), group(picture))).toBe(refusal);
  });

  it("adds a learner however many are started, but only to a healthy group", () => {
    expect(changeRefusal(change("add", 9, true), group({ unstarted: [2, 3] }))).toBeUndefined();
    expect(changeRefusal(change("add", 9, true), group({ young: { 2: 0 } }))).toBe(unhealthy);
  });

  it.each([
    ["one of three", {}, 3, undefined],
    ["one of three that is down", { young: { 3: 0 } }, 3, undefined],
    ["one of three while another is down", { young: { 2: 0 } }, 3, unhealthy],
    ["itself while another is down", { young: { 2: 0 } }, 1, unhealthy],
    ["the only one", { voters: [1] }, 1, notEnoughStarted],
    ["one of three when one of the rest isn't started", { unstarted: [2] }, 3, notEnoughStarted],
    ["one of three that isn't started", { unstarted: [3] }, 3, undefined],
    ["a learner, whatever else is down", { learners: [4], young: { 2: 0, 3: 0 } }, 4, undefined],
    [
      "one of five while another is down",
      { voters: [1, 2, 3, 4, 5], young: { 2: 0 } },
      3,
      undefined,
    ],
  ])("removes %s: %#", (_what, picture: Picture, id, refusal) => {
    expect(changeRefusal(change("remove", id), group(picture))).toBe(refusal);
  });

  it.each([
    ["a learner in sync", { learners: [4] }, undefined],
    ["a learner nearly in sync", { learners: [4], matches: { 4: 900 } }, undefined],
    ["a learner behind", { learners: [4], matches: { 4: 899 } }, learnerNotReady],
    ["a learner that is gone", { learners: [4], young: { 4: 0 } }, learnerNotReady],
    ["a stranger, which is found out later", {}, undefined],
    ["a learner of a group half started", { learners: [4], unstarted: [2, 3] }, notEnoughStarted],
  ])("promotes %s: %#", (_what, picture: Picture, refusal) => {
    expect(changeRefusal(change("promote", 4), group(picture))).toBe(refusal);
  });
});
