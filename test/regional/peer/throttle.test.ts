import { describe, expect, it } from "vitest";
import { Throttle } from "../../../regional/peer/throttle.js";

describe("Throttle", () => {
  it("lets so many bytes a second through, however they are cut", () => {
    for (const piece of [100, 1000, 5000]) {
      const throttle = new Throttle(10_000);
      let nowMs = 50_000;
      let sent = 0;
      while (sent < 100_000) {
        nowMs += throttle.take(piece, nowMs);
        sent += piece;
      }
      // The first piece goes at once, and 100 ms may be made up for.
      expect(nowMs - 50_000).toBeCloseTo(((sent - piece) / 10_000) * 1000 - 100, 3);
    }
  });

  it("makes up for a late timer, but not for a pause", () => {
    const throttle = new Throttle(1000);
    throttle.take(500, 0);
    // 400 ms are left of the first piece; they are slept through by 60 ms.
    expect(throttle.take(500, 0)).toBe(400);
    expect(throttle.take(500, 960)).toBe(0);
    expect(throttle.take(100, 60_000)).toBe(0);
    expect(throttle.take(100, 60_000)).toBe(0);
    expect(throttle.take(100, 60_000)).toBe(100);
  });
});
