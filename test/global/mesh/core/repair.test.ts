import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { beforeEach, expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { ReportBook } from "../../../../global/digest/report.js";
import { encodeTransfer } from "../../../../global/digest/wire-transfer.js";
import { MeshCore } from "../../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../../global/mesh/core/now.js";
import type { SyncRequestInit } from "../../../../global/mesh/core/output.js";
import { FreshnessBook } from "../../../../global/view/freshness-book.js";
import { SectionChunkSchema } from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  type StandingSchema,
  SyncResponseSchema,
} from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import {
  MESH_PUSH_INTERVAL_MS,
  MESH_REPAIR_GRACE_MS,
  MESH_TICK_MS,
} from "../../../../shared/limits.js";
import { seededRandom } from "../../../../shared/random.js";
import { FakeRegion } from "../fake-region.js";

/**
 * What pushes have missed is found by peers' standings, and asked of whoever has it;
 * and a region that isn't all here has no age.
 */

const ADDRESSES = ["away:1", "third:1", "near:1"];

let away: FakeRegion;
let origin: GlobalState;
let state: GlobalState;
let core: MeshCore;
let nowMs: number;
let requests: { address: string; request: SyncRequestInit }[];

function now(): Now {
  return { monotonicMs: nowMs, ageMs: nowMs };
}

function step(byMs: number): void {
  nowMs += byMs;
  core.tick(now());
  for (const output of core.take(now())) if (output.kind === "request") requests.push(output);
}

function send(address: string, init: MessageInitShape<typeof SyncResponseSchema>): void {
  const session = core.links.get(address)?.session ?? 0;
  core.received(address, session, create(SyncResponseSchema, init), now());
  for (const output of core.take(now())) if (output.kind === "request") requests.push(output);
}

/** Says for a peer that it has all of the region `away`. */
function standing(revision: number, sections: number): MessageInitShape<typeof StandingSchema> {
  const nonce = Uint8Array.from(Buffer.from(away.incarnation.nonce, "hex"));
  const incarnation = { counter: 1n, nonce };
  return { region: "away", incarnation, revision: BigInt(revision), sections, ageMs: 5 };
}

function chunksOf(summary: string) {
  const id = { region: "away", summary };
  const transfer = origin.transferSince(id, state.have(id));
  if (transfer === undefined) throw new Error("there is nothing to send");
  return encodeTransfer(transfer).map((bytes) => fromBinary(SectionChunkSchema, bytes));
}

function pulls(): { address: string; summaries: number }[] {
  return requests.flatMap(({ address, request }) =>
    (request.pulls ?? []).map((pull) => ({ address, summaries: pull.summaries?.length ?? 0 })),
  );
}

function write(times: number): void {
  const from = origin.region("away") === undefined ? undefined : away.revision;
  for (let i = 0; i < times; i++) away.write(0, seededRandom(i));
  for (const publication of away.publications(from, away.revision)) origin.publish(publication);
}

beforeEach(() => {
  away = new FakeRegion("away", 7, ["machines", "volumes"], 20);
  origin = new GlobalState(sha256);
  state = new GlobalState(sha256);
  nowMs = 1_000;
  requests = [];
  core = new MeshCore({
    region: "home",
    gateway: "home-g0",
    foldSemantics: 1,
    directory: new Map([
      ["away", ["away:1"]],
      ["third", ["third:1"]],
      ["near", ["near:1"]],
      ["home", ["home:1"]],
    ]),
    state,
    freshness: new FreshnessBook(state),
    reports: new ReportBook(),
    random: seededRandom(1),
  });
  write(10);
  step(0);
  for (const address of ADDRESSES) {
    const region = address.split(":")[0] as string;
    const hello = { protocolMin: 1, protocolMax: 1, foldSemantics: 1, region, gateway: region };
    send(address, { hello });
  }
});

test("a region has no age until all of its sections are here", () => {
  const heard = { echo: { stampMs: nowMs }, standings: [{ ...standing(11, 2), path: ["away"] }] };
  send("away:1", heard);
  expect(core.book.ageMs("away", nowMs)).toBeUndefined();
  send("away:1", { chunks: chunksOf("machines"), ...heard });
  expect(core.book.ageMs("away", nowMs)).toBeUndefined();
  // What was said before the last section came counts once it is here.
  send("away:1", { chunks: chunksOf("volumes") });
  expect(core.book.ageMs("away", nowMs)).toBeGreaterThanOrEqual(5);
  expect(core.book.ageMs("away", nowMs)).toBeLessThan(6);
});

test("what a live push may still bring is given time, then asked of anyone who has it", () => {
  send("away:1", { chunks: [...chunksOf("machines"), ...chunksOf("volumes")] });
  write(1);
  send("third:1", { standings: [standing(away.revision, 2)] });
  step(0);
  step(MESH_REPAIR_GRACE_MS / 2);
  for (const address of ADDRESSES) send(address, {});
  expect(pulls()).toEqual([]);
  step(MESH_REPAIR_GRACE_MS / 4);
  for (const address of ADDRESSES) send(address, {});
  step(MESH_REPAIR_GRACE_MS / 2);
  expect(pulls()).toEqual([{ address: "third:1", summaries: 0 }]);
  send("third:1", { chunks: [...chunksOf("machines"), ...chunksOf("volumes")] });
  expect(state.section({ region: "away", summary: "machines" })?.version.revision).toBe(
    away.revision,
  );
});

/** All peers have answered a ping after so many milliseconds. */
function measured(rttsMs: readonly number[]): void {
  step(0);
  const stampMs = nowMs;
  ADDRESSES.forEach((address, i) => {
    nowMs = stampMs + (rttsMs[i] ?? 0);
    send(address, { echo: { stampMs } });
  });
}

test("a push is given the time that its way takes, then the nearest one is asked", () => {
  send("away:1", { chunks: [...chunksOf("machines"), ...chunksOf("volumes")] });
  measured([80, 120, 100]);
  write(1);
  for (const address of ["third:1", "near:1"]) {
    send(address, { standings: [standing(away.revision, 2)] });
  }
  step(0);
  step(MESH_PUSH_INTERVAL_MS + MESH_TICK_MS + 80 / 2 - 1);
  expect(pulls()).toEqual([]);
  step(1);
  expect(pulls()).toEqual([{ address: "near:1", summaries: 0 }]);
});

test("a large section that has begun to come is given all the time", () => {
  away = new FakeRegion("away", 7, ["machines"], 100_000);
  origin = new GlobalState(sha256);
  write(20_000);
  const chunks = chunksOf("machines");
  expect(chunks.length).toBeGreaterThan(1);
  measured([80, 120, 100]);
  send("third:1", { standings: [standing(away.revision, 1)] });
  step(0);
  send("away:1", { chunks: chunks.slice(0, 1) });
  step(MESH_REPAIR_GRACE_MS - 1);
  for (const address of ADDRESSES) send(address, {});
  expect(pulls()).toEqual([]);
  step(1);
  expect(pulls()).toEqual([{ address: "third:1", summaries: 0 }]);
});

test("a push that comes in time needs no repair", () => {
  send("away:1", { chunks: [...chunksOf("machines"), ...chunksOf("volumes")] });
  write(1);
  send("third:1", { standings: [standing(away.revision, 2)] });
  step(0);
  step(MESH_REPAIR_GRACE_MS / 2);
  send("away:1", { chunks: [...chunksOf("machines"), ...chunksOf("volumes")] });
  send("third:1", {});
  step(MESH_REPAIR_GRACE_MS);
  expect(pulls()).toEqual([]);
});

test("a delta that doesn't follow is repaired on the same stream, once while it is under way", () => {
  write(3);
  const machines = { region: "away", summary: "machines" };
  const before = { ...away.incarnation };
  const delta = origin.transferSince(machines, {
    incarnation: before,
    definition: 1,
    foldSemantics: 1,
    revision: 11,
  });
  if (delta === undefined) throw new Error("there is no delta");
  const chunks = encodeTransfer(delta).map((bytes) => fromBinary(SectionChunkSchema, bytes));
  send("away:1", { chunks });
  send("away:1", { chunks });
  expect(pulls()).toEqual([{ address: "away:1", summaries: 1 }]);
  send("away:1", { chunks: chunksOf("machines") });
  expect(state.section(machines)?.version.revision).toBe(away.revision);
});
