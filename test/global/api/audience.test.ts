import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GlobalApi } from "../../../global/api/global-api.js";
import { MAX_SLOW_POSITIONS, SUBSCRIPTION_HEARTBEAT_MS } from "../../../shared/limits.js";
import { cells, groupKey, History, SCHEMA, version } from "../digest/model.js";
import { FakeGateway } from "./fake-gateway.js";
import { Line } from "./line.js";

const REQUEST = { summaries: ["machines"] };
const MANY = 1_000;
const MIB = 1024 * 1024;
const SOON = { timeout: 10_000, interval: 5 };

let gateway: FakeGateway;
let api: GlobalApi;
let history: History;
let refused: string[];
const lines: Line[] = [];

beforeEach(() => {
  gateway = new FakeGateway();
  refused = [];
  api = new GlobalApi(gateway, { refused: (method) => refused.push(method), waited: () => {} });
  history = new History("us-east");
  history.step({ a: 1 });
  gateway.hear(history.whole(history.last));
});

afterEach(() => {
  for (const line of lines.splice(0)) line.hangUp();
  api.close();
});

function line(request: Parameters<Line["subscribe"]>[1] = REQUEST): Line {
  const made = new Line(true).subscribe(api, request);
  lines.push(made);
  return made;
}

function step(groups: Record<string, number>): void {
  history.step(groups);
  gateway.hear(history.delta(history.last - 1, history.last));
}

const has = async (subscriber: Line, group: string, count: number): Promise<void> => {
  await vi.waitFor(() => expect(subscriber.counts.get(groupKey(group))).toBe(count), SOON);
};

describe("subscribers with one question", () => {
  test("are sent the very same bytes: what leads on is found once for all", async () => {
    const many = Array.from({ length: MANY }, () => line());
    const [first] = many as [Line];
    await vi.waitFor(() => expect(first.updates).toBe(1));
    for (let count = 2; count <= 4; count++) {
      step({ a: count });
      await has(first, "a", count);
    }
    const updates = (of: Line): Uint8Array[] =>
      of.frames.filter((_, index) => of.events[index]?.case === "update");
    const own = updates(first);
    expect(own).toHaveLength(4);
    expect(many.every((other) => updates(other).every((frame, n) => frame === own[n]))).toBe(true);
    expect(api.subscriptions).toBe(MANY);
    expect(api.subscriptionBooks.messages).toBe(
      many.reduce((sum, of) => sum + of.frames.length, 0),
    );
  });

  test("that came at different times come to be sent the same", async () => {
    const early = line();
    await has(early, "a", 1);
    step({ a: 2 });
    await has(early, "a", 2);
    const late = line();
    await has(late, "a", 2);
    for (let count = 3; count <= 5; count++) {
      step({ a: count });
      await Promise.all([has(early, "a", count), has(late, "a", count)]);
    }
    await vi.waitFor(() => expect(late.frames.at(-1)).toBe(early.frames.at(-1)), SOON);
    const beats = (of: Line): number =>
      of.events.filter((event) => event.case === "heartbeat").length;
    const before = beats(late);
    await vi.waitFor(
      () => expect(beats(late)).toBeGreaterThan(before),
      5 * SUBSCRIPTION_HEARTBEAT_MS,
    );
    await vi.waitFor(() => expect(late.frames.at(-1)).toBe(early.frames.at(-1)), SOON);
  });

  test("are told apart by groups, interval, tokens and contract", async () => {
    const requests = [
      REQUEST,
      { ...REQUEST, groups: { prefix: "b" } },
      { ...REQUEST, minIntervalMs: 500 },
      { ...REQUEST, tokenInUpdates: true },
      { ...REQUEST, contract: { maxStalenessMs: 1, onMiss: 2 } },
    ];
    const own = requests.map((request) => line(request));
    for (const subscriber of own)
      await vi.waitFor(() => expect(subscriber.frames.length).not.toBe(0));
    step({ a: 2, b: 7 });
    for (const subscriber of own) await has(subscriber, "b", 7);
    expect(own.map(({ counts }) => counts.get(groupKey("a")))).toEqual([2, undefined, 2, 2, 2]);
    const updates = own.map(({ events }) => {
      const last = events.findLast((event) => event.case === "update");
      return [last?.value?.resumeToken.length !== 0, last?.value?.regions[0]?.misses.length];
    });
    expect(updates).toEqual([
      [false, 0],
      [false, 0],
      [false, 0],
      [true, 0],
      [false, 1],
    ]);
  });

  test("are each ended and counted where their contract isn't met", async () => {
    const contract = { maxStalenessMs: 1 };
    const demanding = Array.from({ length: 3 }, () => line({ ...REQUEST, contract }));
    for (const { served } of demanding) {
      await expect(served).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    }
    expect(refused).toEqual(["Subscribe", "Subscribe", "Subscribe"]);
    expect(api.subscriptions).toBe(0);
  });
});

describe("one of a thousand that stalls", () => {
  test("keeps neither the others from news, nor old states in memory", async () => {
    const keys = Array.from({ length: 300 }, (_, i) => groupKey(`${"g".repeat(300)}${i}`));
    // Not by a History, which keeps what it went through.
    const wave = (n: number): void => {
      const changes = new Map(keys.map((key) => [key, cells(n)]));
      const from = n === 1 ? undefined : history.last + n - 1;
      const to = version(history.last + n);
      gateway.hear({ id: history.id, from, to, schema: SCHEMA, changes });
    };
    wave(1);
    const others = Array.from({ length: MANY - 1 }, () => new Counter());
    for (const other of others) other.subscribe(api);
    const stalled = line();
    await vi.waitFor(() => expect(stalled.updates).toBe(1), SOON);
    stalled.stall();
    let before = 0;
    for (let n = 2; n <= 60; n++) {
      for (const other of others) other.taken = 0;
      wave(n);
      await vi.waitFor(() => expect(others.every(({ taken }) => taken > 0)).toBe(true), SOON);
      if (n === 20) before = await memoryUsed();
    }
    expect(api.slowSubscriptions).toBe(1);
    // A queue of these forty waves would hold more than 4 MiB.
    expect((await memoryUsed()) - before).toBeLessThan(2 * MIB);
    stalled.open();
    await vi.waitFor(() => expect(stalled.counts.get(keys[0] as string)).toBe(60), SOON);
    expect(stalled.counts.size).toBe(keys.length);
    for (const other of others) other.hangUp();
  }, 60_000);
});

test("slow subscribers that hold too many old states go on from versions alone", async () => {
  const count = 2 * MAX_SLOW_POSITIONS;
  const slow: Line[] = [];
  const states: WeakRef<object>[] = [];
  for (let n = 0; n < count; n++) {
    const own = line();
    slow.push(own);
    await vi.waitFor(() => expect(own.updates).toBe(1));
    own.stall();
    step({ a: n + 2, [`g${n}`]: n });
    states.push(new WeakRef(gateway.state.section(history.id) as object));
    await vi.waitFor(() => expect(own.updates).toBe(2), SOON);
  }
  expect(api.slowSubscriptions).toBe(count);
  step({ last: 9 });
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  const held = states.filter((state) => state.deref() !== undefined).length;
  expect(held).toBeLessThan(MAX_SLOW_POSITIONS + 4);
  for (const own of slow) own.open();
  for (const [n, own] of slow.entries()) {
    await has(own, "last", 9);
    expect(own.counts).toEqual(slow[0]?.counts);
    const resets = own.events.filter((event) => event.case === "update" && event.value.reset);
    expect(resets, `subscriber ${n}`).toHaveLength(1);
  }
});

/** A line that only counts, so that what it is sent isn't kept. */
class Counter extends Line {
  taken = 0;

  constructor() {
    super(true);
  }

  override subscribe(to: GlobalApi): this {
    return super.subscribe(to, REQUEST);
  }

  override send(): boolean {
    this.taken++;
    return true;
  }
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Bytes that are in use after all garbage is gone. */
async function memoryUsed(): Promise<number> {
  // Memory of buffers is given back by a thread of its own, after the collection.
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
