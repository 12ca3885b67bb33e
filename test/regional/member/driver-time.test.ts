import { describe, expect, it } from "vitest";
import { RaftDriver } from "../../../regional/member/driver.js";
import type { DriverOptions } from "../../../regional/member/driver-contract.js";
import { TICK_MS } from "../../../shared/limits.js";

/** A driver on a clock that the test moves, and what it tells its raft node of time. */
function setting() {
  const told: string[] = [];
  const raft = {
    tick: () => void told.push("tick"),
    elapse: (ticks: number) => void told.push(`elapse ${ticks}`),
    readIndex: () => told.push("read") > 0,
    step: () => told.push("step"),
    hasReady: () => false,
  };
  let nowMs = 1000;
  const options = {
    self: 1,
    raft,
    log: { initialState: () => ({ hardState: { term: 1, commit: 0 } }), term: () => 1 },
    transport: { flush: () => {}, flushIdle: () => {} },
    applier: { applied: 0, blocked: false, housekeep: () => false },
    clock: { monotonicMs: () => nowMs },
    events: { onTurn: () => {}, onFatal: (error: unknown) => told.push(String(error)) },
    nonces: [1, 1],
  };
  const driver = new RaftDriver(options as unknown as DriverOptions);
  return {
    driver,
    /** Moves the clock by so many ticks' time. */
    pass: (ticks: number) => {
      nowMs += ticks * TICK_MS;
    },
    feed: (what: string) => driver.feed(() => void told.push(what)),
    take: () => told.splice(0),
    turn: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
  };
}

describe("a driver", () => {
  it("tells raft of all time that went by before any input, once", () => {
    const { feed, pass, take } = setting();
    feed("a");
    pass(0.9);
    feed("b");
    pass(0.2);
    feed("c");
    feed("d");
    pass(50);
    feed("e");
    expect(take()).toEqual(["a", "b", "elapse 1", "c", "d", "elapse 50", "e"]);
  });

  it("counts its ticks as time", () => {
    const { driver, feed, pass, take } = setting();
    for (let i = 0; i < 3; i++) {
      pass(1);
      driver.tick();
    }
    feed("a");
    expect(take()).toEqual(["tick", "tick", "tick", "a"]);
  });

  it("reads the clock again before it asks for reads", async () => {
    const { driver, pass, take, turn } = setting();
    void driver.reads.join(0).catch(() => {});
    pass(7);
    await turn();
    expect(take()).toEqual(["elapse 7", "read"]);
  });
});
