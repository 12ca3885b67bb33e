import { describe, expect, it } from "vitest";
import { successorOf } from "../../../regional/member/successor.js";
import type { ProgressStatus, Status } from "../../../regional/raft/index.js";

/** What a leader, node 1, knows of the others; it has committed through 10. */
function leading(...others: readonly Partial<ProgressStatus>[]): Status {
  const progress = new Map(
    others.map((fields, i) => [
      i + 2,
      { id: i + 2, match: 10, isLearner: false, recentActive: true, priority: 0, ...fields },
    ]),
  );
  return { id: 1, commit: 10, progress } as unknown as Status;
}

const everybody = (): boolean => true;

describe("successorOf", () => {
  it("is nobody where this member doesn't lead, is alone, or has no voter beside it", () => {
    expect(successorOf({ ...leading(), progress: null }, everybody)).toBeUndefined();
    expect(successorOf(leading(), everybody)).toBeUndefined();
    expect(successorOf(leading({ isLearner: true }), everybody)).toBeUndefined();
    expect(successorOf(leading({}), () => false)).toBeUndefined();
  });

  it("is who was heard of before who was not, then who has all that is committed", () => {
    expect(successorOf(leading({ recentActive: false, match: 20 }, {}), everybody)).toBe(3);
    expect(successorOf(leading({ match: 9, priority: 7 }, {}), everybody)).toBe(3);
  });

  it("is of the highest priority among those, and else whose log reaches furthest", () => {
    expect(successorOf(leading({ match: 15 }, { priority: 3 }, { priority: 2 }), everybody)).toBe(
      3,
    );
    expect(successorOf(leading({ match: 11 }, { match: 12 }), everybody)).toBe(3);
  });
});
