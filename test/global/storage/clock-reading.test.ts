import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBootClock } from "../../../global/storage/boot-clock.js";
import {
  asOfFromMark,
  type ClockReading,
  elapsedMs,
} from "../../../global/storage/core/clock-reading.js";
import { ageAt } from "../../../global/view/freshness-book.js";
import { clocksAt } from "./memory-disk.js";

/** Clocks of real machines are off by so much at most, which is less than ages allow for. */
const USUAL_DRIFT = 200e-6;
const AT_1000 = clocksAt(1_000);

describe("time between two readings of a machine's clocks", () => {
  test("is the largest that any clock shows", () => {
    expect(elapsedMs(AT_1000, { ...clocksAt(3_000) })).toBe(2_010);
    // It slept for an hour: the monotonic clock stood still.
    expect(elapsedMs(AT_1000, { ...clocksAt(3_603_000), monotonicMs: 3_000 })).toBe(3_602_010);
    // A container's uptime began anew in between, and has overtaken the old one.
    expect(elapsedMs(AT_1000, { ...clocksAt(9_000), bootMs: 1_500 })).toBe(8_010);
    // The wall clock was set back.
    expect(elapsedMs(AT_1000, { ...clocksAt(3_000), wallMs: 0 })).toBe(2_010);
  });

  test.each<[string, Partial<ClockReading>]>([
    ["the machine was started anew", { bootId: "boot-2" }],
    ["there is no boot id", { bootId: "" }],
    ["the uptime went back", { bootMs: 900 }],
    ["the monotonic clock went back", { monotonicMs: 900 }],
    ["the uptime can't be read", { bootMs: Number.NaN }],
  ])("is unknown when %s", (_, fields) => {
    expect(
      elapsedMs(
        { ...AT_1000, ...(fields.bootId === "" ? fields : {}) },
        { ...clocksAt(3_000), ...fields },
      ),
    ).toBeUndefined();
  });

  test("makes ages that are never smaller than the true ones", () => {
    const drift = fc.double({ min: -USUAL_DRIFT, max: USUAL_DRIFT, noNaN: true });
    const ms = fc.integer({ min: 0, max: 100_000_000 });
    fc.assert(
      fc.property(
        drift,
        ms,
        ms,
        ms,
        ms,
        fc.integer({ min: -5_000, max: 5_000 }),
        (rho, age, up, slept, later, set) => {
          const rate = 1 + rho;
          // Truly: written at 0, saved at `age`; then the machine ran and slept, and `later` it is asked.
          const saved: ClockReading = {
            bootId: "boot",
            bootMs: Math.floor((rate * (7_000 + age)) / 10) * 10,
            monotonicMs: rate * (5_000 + age),
            wallMs: Math.floor(rate * age),
          };
          const restored: ClockReading = {
            bootId: "boot",
            bootMs: Math.floor((rate * (7_000 + age + up + slept)) / 10) * 10,
            monotonicMs: rate * (5_000 + age + up),
            wallMs: Math.floor(rate * (age + up + slept)) + set,
          };
          const asOf = asOfFromMark({ reading: saved, ageMs: rate * age }, restored, 50);
          if (asOf === undefined) throw new Error("it is unknown");
          const bound = ageAt(asOf, 50 + rate * later);
          expect(bound).toBeGreaterThanOrEqual(age + up + slept + later);
        },
      ),
    );
  });
});

test("this machine's clocks go forward", async () => {
  const before = readBootClock();
  await new Promise((resolve) => setTimeout(resolve, 25));
  const after = readBootClock();
  expect(elapsedMs(before, after)).toBeGreaterThanOrEqual(25);
  expect(elapsedMs(after, before)).toBeUndefined();
});
