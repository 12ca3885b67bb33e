import { describe, expect, it } from "vitest";
import { successorOf } from "../../../regional/member/successor.js";
import { leading, progress } from "./raft-status.js";

describe("whom a leader that goes hands over to", () => {
  const all = (): boolean => true;

  it("is the voter whose log reaches furthest, not itself", () => {
    const status = leading(progress(1, 12), progress(2, 9), progress(3, 11));
    expect(successorOf(status, all)).toBe(3);
  });

  it("is one that was heard of lately before one that wasn't", () => {
    const silent = progress(3, 12, { recentActive: false });
    expect(successorOf(leading(progress(2, 9), silent), all)).toBe(2);
    // Just after a check of the quorum nobody was.
    const reset = progress(2, 9, { recentActive: false });
    expect(successorOf(leading(reset, silent), all)).toBe(3);
  });

  it("is no learner, and nobody who isn't connected", () => {
    const status = leading(progress(2, 9), progress(3, 12, { isLearner: true }));
    expect(successorOf(status, all)).toBe(2);
    expect(successorOf(status, (id) => id === 3)).toBeUndefined();
    expect(successorOf({ ...status, progress: null }, all)).toBeUndefined();
  });
});
