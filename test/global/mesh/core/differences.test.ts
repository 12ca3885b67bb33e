import { create, fromBinary } from "@bufbuild/protobuf";
import { beforeEach, expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { ReportBook } from "../../../../global/digest/report.js";
import { decodeClaims } from "../../../../global/digest/wire-version.js";
import { MeshCore } from "../../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../../global/mesh/core/now.js";
import { Outbox } from "../../../../global/mesh/core/outbox.js";
import type { BadReason } from "../../../../global/mesh/core/output.js";
import { FreshnessBook } from "../../../../global/view/freshness-book.js";
import type { SyncResponse } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  SyncRequestSchema,
  SyncResponseSchema,
} from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import { MESH_PULL_INTERVAL_MS } from "../../../../shared/limits.js";
import { seededRandom } from "../../../../shared/random.js";
import { FakeRegion } from "../fake-region.js";

/**
 * Differences from what a stream brought last, at a receiver that other peers tell of the
 * same section: what can't be followed is asked for, once, and a wrong one is refused.
 */

const ID = { region: "away", summary: "machines" };
const ADDRESSES = ["away:1", "third:1"];

let away: FakeRegion;
let origin: GlobalState;
let state: GlobalState;
let core: MeshCore;
let nowMs: number;
/** The sender's half of each stream. */
let outboxes: Map<string, Outbox>;
let pulls: number;
let refusals: BadReason[];

function now(): Now {
  return { monotonicMs: nowMs, ageMs: nowMs };
}

/** Opens the stream to one address, at both ends. */
function open(address: string): void {
  const region = address.split(":")[0] as string;
  const hello = { protocolMin: 1, protocolMax: 1, foldSemantics: 1, region, gateway: region };
  send(address, create(SyncResponseSchema, { hello }));
}

/** Carries what the receiver asks for to the senders. */
function carryOut(): void {
  for (const output of core.take(now())) {
    if (output.kind === "event" && output.event.kind === "refused") {
      refusals.push(output.event.reason);
    }
    if (output.kind !== "request" && output.kind !== "dial") continue;
    if (output.kind === "dial")
      outboxes.set(
        output.address,
        new Outbox({ state: origin, standing: () => undefined, pushIntervalMs: 50 }),
      );
    const { interest, pulls: asked } = create(SyncRequestSchema, output.request);
    const outbox = outboxes.get(output.address);
    if (interest !== undefined) {
      outbox?.setInterest(new Set(interest.regions), decodeClaims(interest.held, "held"));
    }
    for (const pull of asked) {
      pulls++;
      outbox?.pull(pull.region, new Set(pull.summaries), decodeClaims(pull.held, "held"));
    }
  }
}

function send(address: string, frame: SyncResponse): void {
  core.received(address, core.links.get(address)?.session ?? 0, frame, now());
  carryOut();
}

/** The next frame of a stream. */
function frameOf(address: string): SyncResponse {
  nowMs += 100;
  const bytes = outboxes.get(address)?.frame(now());
  if (bytes === undefined) throw new Error(`${address} has nothing to send`);
  return fromBinary(SyncResponseSchema, bytes);
}

/** Sends the next frame of a stream; tells whether it is all differences. */
function push(address: string): boolean {
  const frame = frameOf(address);
  send(address, frame);
  expect(frame.chunks.length).toBeGreaterThan(0);
  return frame.chunks.every(({ difference }) => difference !== undefined);
}

function write(): void {
  const from = origin.section(ID)?.version.revision;
  away.write(0, seededRandom(away.revision));
  for (const publication of away.publications(from, away.revision)) origin.publish(publication);
  for (const outbox of outboxes.values()) outbox.moved(ID);
}

function isLevel(): boolean {
  return state.section(ID)?.root === origin.section(ID)?.root;
}

beforeEach(() => {
  away = new FakeRegion("away", 7, ["machines"], 20);
  origin = new GlobalState(sha256);
  state = new GlobalState(sha256);
  nowMs = 1_000;
  pulls = 0;
  refusals = [];
  outboxes = new Map();
  core = new MeshCore({
    region: "home",
    gateway: "home-g0",
    foldSemantics: 1,
    directory: new Map(
      [...ADDRESSES, "home:1"].map((address) => [address.split(":")[0] as string, [address]]),
    ),
    state,
    freshness: new FreshnessBook(state),
    reports: new ReportBook(),
    random: seededRandom(1),
  });
  for (let i = 0; i < 10; i++) write();
  core.tick(now());
  carryOut();
  for (const address of ADDRESSES) {
    open(address);
    // Both push the region from the beginning.
    outboxes.get(address)?.setInterest(new Set(["away"]), []);
    core.links.get(address)?.expect("away", Number.POSITIVE_INFINITY);
  }
  expect(push("away:1")).toBe(false);
  expect(isLevel()).toBe(true);
});

test("news on a warm stream are differences, and need no questions", () => {
  for (let i = 0; i < 20; i++) {
    write();
    expect(push("away:1")).toBe(true);
    expect(isLevel()).toBe(true);
  }
  expect(pulls).toBe(0);
});

test("what another peer brought in between stops neither stream", () => {
  push("third:1");
  write();
  expect(push("third:1")).toBe(true);
  write();
  // From a revision behind the one that is here.
  expect(push("away:1")).toBe(true);
  expect(isLevel()).toBe(true);
  // Of a revision that is here already.
  expect(push("third:1")).toBe(true);
  write();
  expect(push("third:1")).toBe(true);
  expect(push("away:1")).toBe(true);
  expect(isLevel()).toBe(true);
  expect(pulls).toBe(0);
  expect(refusals).toEqual([]);
});

test("a stream that has fallen behind is ignored, and asked once when it leads again", () => {
  push("third:1");
  write();
  const late = frameOf("away:1");
  write();
  expect(push("third:1")).toBe(true);
  send("away:1", late);
  const known = frameOf("away:1");
  expect(known.chunks[0]?.difference).toBeDefined();
  send("away:1", known);
  expect(pulls).toBe(0);
  write();
  expect(push("away:1")).toBe(true);
  expect(pulls).toBe(1);
  expect(push("away:1")).toBe(false);
  expect(isLevel()).toBe(true);
  write();
  expect(push("away:1")).toBe(true);
  expect(isLevel()).toBe(true);
  expect(pulls).toBe(1);
});

test("differences from what never came are asked for again, absolute", () => {
  write();
  frameOf("away:1");
  write();
  expect(push("away:1")).toBe(true);
  expect(isLevel()).toBe(false);
  expect(pulls).toBe(1);
  expect(push("away:1")).toBe(false);
  expect(isLevel()).toBe(true);
  expect(refusals).toEqual([]);
});

test("a wrong difference changes nothing, is said aloud and asked for again", () => {
  const before = state.section(ID);
  write();
  const frame = frameOf("away:1");
  const difference = frame.chunks[0]?.difference;
  if (difference === undefined) throw new Error("it isn't a difference");
  // The first group is said to be gone.
  difference.groups = Uint8Array.of(1);
  difference.columns = [new Uint8Array(0)];
  send("away:1", frame);
  expect(state.section(ID)).toBe(before);
  expect(refusals).toHaveLength(1);
  nowMs += MESH_PULL_INTERVAL_MS;
  expect(push("away:1")).toBe(false);
  expect(isLevel()).toBe(true);
});

test("a stream that broke brings only what was missed, and then differences again", () => {
  core.closed("away:1", core.links.get("away:1")?.session ?? 0, "reset", now());
  write();
  nowMs += 10_000;
  core.tick(now());
  carryOut();
  open("away:1");
  const frame = frameOf("away:1");
  const [chunk, ...more] = frame.chunks;
  expect(more).toEqual([]);
  expect(chunk?.from).toBeDefined();
  expect([...(chunk?.keys ?? []), ...(chunk?.removed ?? [])]).toHaveLength(1);
  send("away:1", frame);
  expect(isLevel()).toBe(true);
  write();
  expect(push("away:1")).toBe(true);
  expect(isLevel()).toBe(true);
  expect(pulls).toBe(0);
});
