import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Ticked, Ticker } from "../../../global/api/ticker.js";
import { MAX_FAN_OUT_REST_MS } from "../../../shared/limits.js";

let nowMs: number;
let ticker: Ticker;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] });
  nowMs = 1_000;
  ticker = new Ticker({ monotonicMs: () => nowMs, wallMs: () => nowMs });
});
afterEach(() => {
  ticker.stop();
  vi.useRealTimers();
});

/** Passes time, by which timers fire. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed++) {
    nowMs++;
    vi.advanceTimersByTime(1);
  }
}

/** Has news all the time, and takes `costMs` to tell them. */
class Busy implements Ticked {
  readonly beats: number[] = [];
  readonly costMs: number;

  constructor(costMs: number) {
    this.costMs = costMs;
    ticker.add(this);
  }

  dueMs(restUntilMs: number): number {
    return restUntilMs;
  }

  tick(atMs: number): void {
    this.beats.push(atMs);
    nowMs += this.costMs;
  }
}

describe("the beat", () => {
  test("takes all that is due at once, in the same turn", () => {
    const [a, b] = [new Busy(0), new Busy(0)];
    ticker.wake(a);
    ticker.wake(b);
    ticker.wake(b);
    expect(a.beats).toEqual([]);
    vi.advanceTimersToNextTimer();
    expect([a.beats, b.beats]).toEqual([[1_000], [1_000]]);
  });

  test("rests as long as it took, so that half of the time is left", () => {
    const busy = new Busy(40);
    ticker.wake(busy);
    pass(1_000);
    const pauses = busy.beats.slice(1).map((at, index) => at - (busy.beats[index] as number));
    expect(pauses.length).toBeGreaterThan(5);
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(80);
  });

  test("rests no longer than is allowed, whatever held it up", () => {
    const busy = new Busy(5_000);
    ticker.wake(busy);
    pass(1_000);
    const [first = 0, second = 0] = busy.beats;
    expect(second - first - 5_000).toBeLessThanOrEqual(MAX_FAN_OUT_REST_MS + 2);
  });

  test("comes early for what can't wait, and never for who has left", () => {
    const patient = new Busy(0);
    patient.dueMs = () => 1_500;
    ticker.wake(patient);
    pass(10);
    const urgent = new Busy(0);
    urgent.dueMs = () => (urgent.beats.length === 0 ? 0 : 2_000);
    ticker.wake(urgent);
    pass(2);
    expect([urgent.beats.length, patient.beats.length]).toEqual([1, 0]);
    ticker.remove(patient);
    pass(1_500);
    expect([urgent.beats.length > 1, patient.beats.length]).toEqual([true, 0]);
  });
});
