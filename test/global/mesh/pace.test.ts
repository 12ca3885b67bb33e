import { expect, test } from "vitest";
import { Pace } from "../../../global/mesh/pace.js";

const LIMITS = { messageMs: 2.5, burstMs: 2_000 };

test("so many messages may come at once, then as many as time allows", () => {
  const pace = new Pace(LIMITS, 0);
  for (let i = 0; i < 800; i++) expect(pace.taken(0, 0)).toBe(0);
  expect(pace.taken(0, 0)).toBe(2.5);
  expect(pace.taken(0, 0)).toBe(5);
  expect(pace.taken(0, 1_000)).toBe(0);
  for (let i = 0; i < 397; i++) expect(pace.taken(0, 1_000)).toBe(0);
  expect(pace.taken(0, 1_000)).toBeGreaterThan(0);
});

test("work costs more than it took, so that a stream leaves time for others", () => {
  const pace = new Pace(LIMITS, 0);
  let nowMs = 0;
  let workMs = 0;
  while (nowMs < 60_000) {
    workMs += 50;
    nowMs += 50;
    nowMs += pace.taken(50, nowMs);
  }
  expect(workMs / nowMs).toBeLessThan(0.75);
  expect(workMs / nowMs).toBeGreaterThan(0.6);
});

test("a clock that goes back, or a long rest, gives nothing away", () => {
  const pace = new Pace(LIMITS, 10_000);
  expect(pace.taken(0, 0)).toBe(0);
  for (let i = 0; i < 799; i++) pace.taken(0, 1e9);
  expect(pace.taken(0, 1e9)).toBe(0);
  expect(pace.taken(0, 1e9)).toBeGreaterThan(0);
});
