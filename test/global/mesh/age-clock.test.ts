import { expect, test } from "vitest";
import { AgeClock } from "../../../global/mesh/age-clock.js";

/** Both clocks by hand; the wall clock counts whole milliseconds, as Date.now does. */
class HandClock {
  mono = 1_000;
  wall = 5_000_000.4;

  advance(ms: number, wallMs = ms): void {
    this.mono += ms;
    this.wall += wallMs;
  }
  monotonicMs(): number {
    return this.mono;
  }
  wallMs(): number {
    return Math.floor(this.wall);
  }
}

test("it advances with both clocks", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  clock.advance(250);
  expect(ages.now()).toEqual({ monotonicMs: 1_250, ageMs: 250 });
  clock.advance(1_000);
  expect(ages.now().ageMs).toBe(1_250);
});

test("a machine that slept has aged: the monotonic clock stood still", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  clock.advance(5, 600_005);
  expect(ages.now().ageMs).toBeGreaterThanOrEqual(600_005);
});

test("a wall clock that is set back takes nothing away, and hides no later sleep", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  clock.advance(100, -3_600_000);
  expect(ages.now().ageMs).toBe(100);
  clock.advance(100);
  expect(ages.now().ageMs).toBe(200);
  clock.advance(0, 60_000);
  expect(ages.now().ageMs).toBeGreaterThanOrEqual(60_199);
});

test("a wall clock that runs fast counts, however often it is read", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  for (let i = 0; i < 10_000; i++) {
    clock.advance(1, 1.01);
    ages.now();
  }
  expect(ages.now().ageMs).toBeGreaterThanOrEqual(10_098);
  expect(ages.now().ageMs).toBeLessThan(10_102);
});

test("reading it often doesn't hasten it, though the wall clock is coarse", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  for (let i = 0; i < 20_000; i++) {
    clock.advance(0.05);
    ages.now();
  }
  expect(ages.now().ageMs).toBeGreaterThan(999);
  expect(ages.now().ageMs).toBeLessThan(1_002);
});

test("an earlier instant is put at the earlier end", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  clock.advance(1_000);
  const instant = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  expect(ages.at(instant)).toBeCloseTo(1_000, 6);
  clock.advance(300);
  expect(ages.at(instant)).toBeCloseTo(1_000, 6);
  clock.advance(10, 5_010);
  const at = ages.at(instant);
  expect(at).toBeLessThanOrEqual(1_000.001);
  expect(at).toBeGreaterThan(998);
});

test("an instant that seems to lie ahead is now", () => {
  const clock = new HandClock();
  const ages = new AgeClock(clock);
  const { ageMs } = ages.now();
  expect(ages.at({ monotonicMs: clock.mono + 5, wallMs: clock.wall + 5 })).toBe(ageMs);
});
