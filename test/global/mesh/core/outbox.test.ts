import { fromBinary } from "@bufbuild/protobuf";
import { beforeEach, expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { TransferAssembler } from "../../../../global/digest/transfer-assembler.js";
import type { Now } from "../../../../global/mesh/core/now.js";
import { Outbox } from "../../../../global/mesh/core/outbox.js";
import {
  type SyncResponse,
  SyncResponseSchema,
} from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import {
  MAX_MESH_FRAME_BYTES,
  MESH_PING_STANDINGS,
  MESH_PUSH_INTERVAL_MS,
} from "../../../../shared/limits.js";

/**
 * What a stream owes its receiver: the first change at once, then at most one push
 * each 50 ms with the state as it is then, never a queue; large sections in bounded
 * frames that don't hold up small ones.
 */

const INCARNATION = { counter: 1, nonce: "07".repeat(16), baseRevision: 0, parentNonce: "" };

let origin: GlobalState;
let receiver: GlobalState;
let outbox: Outbox;
let revision: number;

function at(ms: number): Now {
  return { monotonicMs: ms, ageMs: ms };
}

/** Publishes groups with one count; those that were there before stay. */
function publish(summary: string, groups: Iterable<string>, count: number): void {
  const id = { region: "away", summary };
  const from = origin.section(id)?.version.revision;
  const outcome = origin.publish({
    id,
    to: { incarnation: INCARNATION, definition: 1, foldSemantics: 1, revision: ++revision },
    from,
    schema: {
      fingerprint: "ab".repeat(32),
      groupBy: ["value.app"],
      measures: [{ name: "n", kind: "count", scale: 0, limit: 0 }],
      retired: false,
    },
    changes: new Map(
      [...groups].map((group) => [JSON.stringify([group]), [{ kind: "count", count }]]),
    ),
  });
  expect(outcome.kind).toBe("applied");
  outbox.moved(id);
}

function frame(ms: number): SyncResponse | undefined {
  const bytes = outbox.frame(at(ms));
  if (bytes === undefined) return undefined;
  expect(bytes.length).toBeLessThanOrEqual(MAX_MESH_FRAME_BYTES);
  return fromBinary(SyncResponseSchema, bytes);
}

/** What a frame's chunks say of groups, by a receiver that takes every frame: the groups' counts. */
function take(response: SyncResponse | undefined): Map<string, number> {
  const taken = new Map<string, number>();
  for (const chunk of response?.chunks ?? []) {
    const transfer = new TransferAssembler().add(chunk, receiver.section(chunk));
    if (transfer === undefined) throw new Error("a chunk is missing");
    expect(receiver.receive(transfer).kind).toBe("applied");
    for (const [key, cells] of transfer.changes) {
      taken.set(JSON.parse(key)[0], cells?.[0]?.kind === "count" ? cells[0].count : Number.NaN);
    }
  }
  return taken;
}

function counts(response: SyncResponse | undefined): number[] {
  return [...take(response).values()];
}

beforeEach(() => {
  revision = 1;
  origin = new GlobalState(sha256);
  const standing = (region: string) => ({
    ...{ region, incarnation: INCARNATION, revision, sections: 1 },
    ...{ ageMs: 0, path: [region], rttMs: undefined },
  });
  outbox = new Outbox({ state: origin, standing, pushIntervalMs: MESH_PUSH_INTERVAL_MS });
  publish("machines", ["a"], 1);
  outbox.setInterest(new Set(["away"]), []);
  receiver = new GlobalState(sha256);
  expect(counts(frame(0))).toEqual([1]);
  expect(frame(0)).toBeUndefined();
});

test("the first change after a pause goes at once, with where the sender stands after it", () => {
  publish("machines", ["a"], 2);
  expect(outbox.dueMs()).toBeLessThanOrEqual(1_000);
  const first = frame(1_000);
  expect(counts(first)).toEqual([2]);
  expect(first?.standings).toMatchObject([{ region: "away", revision: BigInt(revision) }]);
});

test("later changes wait for the interval, and go as the state is then", () => {
  publish("machines", ["a"], 2);
  take(frame(1_000));
  for (let count = 3; count <= 9; count++) {
    publish("machines", ["a"], count);
    expect(frame(1_000 + count)).toBeUndefined();
  }
  expect(outbox.dueMs()).toBe(1_000 + MESH_PUSH_INTERVAL_MS);
  const second = frame(1_000 + MESH_PUSH_INTERVAL_MS);
  expect(counts(second)).toEqual([9]);
  expect(second?.chunks).toHaveLength(1);
  expect(frame(2_000)).toBeUndefined();
});

test("a push that only told of a later revision doesn't hold up news", () => {
  publish("machines", [], 1);
  expect(counts(frame(1_000))).toEqual([]);
  publish("machines", [], 1);
  expect(frame(1_001)).toBeUndefined();
  publish("machines", ["a"], 2);
  expect(counts(frame(1_002))).toEqual([2]);
  publish("machines", ["a"], 3);
  publish("machines", [], 1);
  expect(frame(1_003)).toBeUndefined();
  expect(outbox.dueMs()).toBe(1_002 + MESH_PUSH_INTERVAL_MS);
});

test("only groups that changed since the last push go", () => {
  publish("machines", ["b", "c", "d"], 5);
  take(frame(1_000));
  publish("machines", ["c"], 6);
  expect([...take(frame(2_000))]).toEqual([["c", 6]]);
});

test("a receiver that takes nothing gets the latest state later, and costs no queue", () => {
  outbox.blocked = true;
  for (let count = 0; count < 1_000; count++) publish("machines", ["a"], count);
  expect(outbox.dueMs()).toBe(Number.POSITIVE_INFINITY);
  expect(frame(60_000)).toBeUndefined();
  outbox.blocked = false;
  const next = frame(60_000);
  expect(next?.chunks).toHaveLength(1);
  expect(counts(next)).toEqual([999]);
});

test("a group that is there is told by its place and its differences alone", () => {
  publish("machines", ["b"], 1_000_000);
  take(frame(1_000));
  publish("machines", ["b"], 1_000_001);
  const response = frame(2_000);
  expect(response?.chunks).toMatchObject([{ keys: [], columns: [], difference: {} }]);
  expect(response?.chunks[0]?.difference?.columns).toEqual([Uint8Array.of(2)]);
  expect([...take(response)]).toEqual([["b", 1_000_001]]);
});

test("what the receiver says that it has isn't what differences are from", () => {
  const { id, version, root } = origin.claims()[0] ?? {};
  if (id === undefined || version === undefined || root === undefined) throw new Error("no claim");
  outbox.pull("away", new Set(), [{ id, version, root }]);
  publish("machines", ["a"], 2);
  expect(frame(1_000)?.chunks).toMatchObject([{ keys: ['["a"]'], from: BigInt(version.revision) }]);
  outbox.setInterest(new Set(), []);
  outbox.setInterest(new Set(["away"]), [{ id, version, root }]);
  expect(frame(2_000)?.chunks).toMatchObject([{ keys: ['["a"]'], from: BigInt(version.revision) }]);
});

test("what the receiver turns out to have isn't sent", () => {
  publish("machines", ["a"], 2);
  const id = { region: "away", summary: "machines" };
  const { version } = origin.section(id) ?? {};
  if (version === undefined) throw new Error("the section is missing");
  outbox.holds(id, version);
  expect(frame(1_000)).toBeUndefined();
});

test("a region that isn't wanted any more isn't pushed", () => {
  outbox.setInterest(new Set(), []);
  publish("machines", ["a"], 2);
  expect(frame(1_000)).toBeUndefined();
});

test("a pull without a version brings the whole section, with one what is newer", () => {
  publish("machines", ["b"], 2);
  frame(1_000);
  outbox.pull("away", new Set(["machines"]), []);
  const whole = frame(2_000);
  expect(whole?.chunks[0]?.from).toBeUndefined();
  expect(whole?.chunks[0]?.keys).toHaveLength(2);
  publish("machines", ["c"], 3);
  const { id, version, root } = origin.claims()[0] ?? {};
  if (id === undefined || version === undefined || root === undefined) throw new Error("no claim");
  outbox.pull("away", new Set(), [{ id, version, root }]);
  expect(frame(3_000)).toMatchObject({ chunks: [] });
});

test("a ping is answered at once with all that is pushed; the newest stamp is echoed", () => {
  outbox.pinged(77);
  outbox.pinged(88);
  const answer = frame(1_000);
  expect(answer).toMatchObject({ echo: { stampMs: 88 }, standings: [{ region: "away" }] });
  expect(answer?.chunks).toHaveLength(0);
});

test("a large section goes in bounded frames; small ones and later news aren't held up", () => {
  const groups = Array.from({ length: 60_000 }, (_, i) => `a-group-with-a-rather-long-name-${i}`);
  publish("large", groups, 1);
  publish("machines", ["a"], 2);
  const frames: SyncResponse[] = [];
  const first = frame(1_000);
  if (first === undefined) throw new Error("nothing was sent");
  frames.push(first);
  // Changes while it is on its way: they come after it, as one delta.
  publish("large", [groups[0] as string], 7);
  publish("machines", ["a"], 3);
  for (;;) {
    const next = frame(1_000 + MESH_PUSH_INTERVAL_MS * frames.length);
    if (next === undefined) break;
    frames.push(next);
    expect(frames.length).toBeLessThan(100);
  }
  expect(frames.length).toBeGreaterThan(3);
  const summaries = frames.map(({ chunks }) => new Set(chunks.map((chunk) => chunk.summary)));
  expect(summaries.slice(0, 2).some((names) => names.has("machines"))).toBe(true);
  const assembler = new TransferAssembler();
  for (const { chunks } of frames) {
    for (const chunk of chunks) {
      const transfer = assembler.add(chunk, receiver.section(chunk));
      if (transfer !== undefined) expect(receiver.receive(transfer).kind).toBe("applied");
    }
  }
  const id = { region: "away", summary: "large" };
  expect(receiver.section(id)?.root).toBe(origin.section(id)?.root);
});

test("a ping is answered though nothing is pushed, to measure the round trip", () => {
  outbox.setInterest(new Set(), []);
  outbox.pinged(17);
  const answer = frame(100);
  expect(answer?.echo?.stampMs).toBe(17);
  expect(answer?.standings).toEqual([]);
  expect(frame(100)).toBeUndefined();
});

test("of many regions each ping's answer tells some in turn, and all soon", () => {
  const regions = Array.from({ length: 2 * MESH_PING_STANDINGS + 1 }, (_, i) => `r${i}`);
  outbox.setInterest(new Set(regions), []);
  expect(frame(100)?.standings).toHaveLength(regions.length);
  const told: string[] = [];
  for (let ping = 1; ping <= 3; ping++) {
    outbox.pinged(100 + ping);
    const standings = frame(100 + ping)?.standings ?? [];
    expect(standings).toHaveLength(MESH_PING_STANDINGS);
    told.push(...standings.map(({ region }) => region));
  }
  expect(new Set(told)).toEqual(new Set(regions));
});
