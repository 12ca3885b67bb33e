import { create, fromBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { ReportBook } from "../../../../global/digest/report.js";
import { encodeTransfer } from "../../../../global/digest/wire-transfer.js";
import { MeshCore } from "../../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../../global/mesh/core/now.js";
import type { MeshEvent, MeshOutput } from "../../../../global/mesh/core/output.js";
import { FreshnessBook } from "../../../../global/view/freshness-book.js";
import {
  type SectionChunk,
  SectionChunkSchema,
} from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { SyncResponseSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import { MESH_BAD_FRAMES, QUARANTINE_AFTER_FAILURES } from "../../../../shared/limits.js";
import { seededRandom } from "../../../../shared/random.js";
import { FakeRegion } from "../fake-region.js";

/**
 * A gateway keeps its last good state whatever a peer sends: what is bad is refused
 * aloud, by section; a section that fails repeatedly is quarantined until it comes
 * whole and verified; a peer that sends nothing but bad frames is hung up on.
 */

const ID = { region: "away", summary: "machines" };
const ADDRESS = "away:1";

let away: FakeRegion;
let origin: GlobalState;
let state: GlobalState;
let core: MeshCore;
let nowMs: number;
let outputs: MeshOutput[];

function now(): Now {
  return { monotonicMs: nowMs, ageMs: nowMs };
}

function step(byMs: number): void {
  nowMs += byMs;
  core.tick(now());
  outputs.push(...core.take(now()));
}

function session(): number {
  return core.links.get(ADDRESS)?.session ?? 0;
}

function send(init: Parameters<typeof create<typeof SyncResponseSchema>>[1]): void {
  core.received(ADDRESS, session(), create(SyncResponseSchema, init), now());
  outputs.push(...core.take(now()));
}

function greet(region: string, gateway: string): void {
  const hello = { protocolMin: 1, protocolMax: 1, foldSemantics: 1, region, gateway };
  send({ hello });
}

function write(times: number): void {
  const from = origin.section(ID)?.version.revision;
  const random = seededRandom(times);
  for (let i = 0; i < times; i++) away.write(0, random);
  for (const publication of away.publications(from, away.revision)) origin.publish(publication);
}

/** What the origin would send to a holder at what this gateway has. */
function chunks(): SectionChunk[] {
  const transfer = origin.transferSince(ID, state.have(ID));
  if (transfer === undefined) throw new Error("there is nothing to send");
  return encodeTransfer(transfer).map((bytes) => fromBinary(SectionChunkSchema, bytes));
}

function broken(change: (chunk: SectionChunk) => void): SectionChunk[] {
  const [chunk, ...rest] = chunks() as [SectionChunk, ...SectionChunk[]];
  change(chunk);
  return [chunk, ...rest];
}

function events<K extends MeshEvent["kind"]>(kind: K): Extract<MeshEvent, { kind: K }>[] {
  return outputs
    .flatMap((output) => (output.kind === "event" ? [output.event] : []))
    .filter((event): event is Extract<MeshEvent, { kind: K }> => event.kind === kind);
}

function revisionHere(): number | undefined {
  return state.section(ID)?.version.revision;
}

beforeEach(() => {
  away = new FakeRegion("away", 7, ["machines"], 20);
  origin = new GlobalState(sha256);
  state = new GlobalState(sha256);
  nowMs = 1_000;
  outputs = [];
  core = new MeshCore({
    region: "home",
    gateway: "home-g0",
    foldSemantics: 1,
    directory: new Map([
      ["away", [ADDRESS]],
      ["home", ["home:1"]],
    ]),
    state,
    freshness: new FreshnessBook(state),
    reports: new ReportBook(),
    random: seededRandom(1),
  });
  write(50);
  step(0);
  greet("away", "away-g0");
  send({ chunks: chunks() });
  expect(revisionHere()).toBe(away.revision);
  write(5);
});

describe("a bad chunk", () => {
  const BAD: [string, string, (chunk: SectionChunk) => void][] = [
    ["without a version", "malformed", (chunk) => delete chunk.to],
    ["of a wrong root", "bad-root", (chunk) => (chunk.root[0] = (chunk.root[0] ?? 0) ^ 1)],
    ["of a short root", "malformed", (chunk) => (chunk.root = new Uint8Array(3))],
    ["that names a group twice", "malformed", (chunk) => chunk.removed.push(chunk.keys[0] ?? "")],
    ["with a column too few", "invalid", (chunk) => chunk.columns.pop()],
    ["out of its order", "malformed", (chunk) => (chunk.chunk = 3)],
    ["of too many chunks", "malformed", (chunk) => (chunk.chunks = 2 ** 31)],
    ["from the future of its target", "malformed", (chunk) => (chunk.from = 2n ** 52n)],
  ];
  test.each(BAD)("%s is refused as %s", (_what, reason, change) => {
    const before = state.section(ID);
    send({ chunks: broken(change) });
    expect(state.section(ID)).toBe(before);
    expect(events("refused")).toMatchObject([
      { reason, region: "away", from: "away/away-g0", quarantined: false },
    ]);
    expect(events("refused")[0]?.message).not.toBe("");
  });

  test("does no harm to the frame's other sections, nor to the stream", () => {
    const good = chunks();
    const bad = broken((chunk) => {
      chunk.summary = "other";
      delete chunk.to;
    });
    send({ chunks: [...bad, ...good] });
    expect(revisionHere()).toBe(away.revision);
    expect(core.links.get(ADDRESS)?.state).toBe("up");
  });

  test("has the section asked for again, and good news heal it", () => {
    send({ chunks: broken((chunk) => (chunk.root = new Uint8Array(32))) });
    const requests = outputs.flatMap((o) => (o.kind === "request" ? [o.request] : []));
    expect(requests.at(-1)?.pulls).toMatchObject([{ region: "away", summaries: ["machines"] }]);
    send({ chunks: chunks() });
    expect(revisionHere()).toBe(away.revision);
    expect(state.region("away")?.fault("machines")).toBeUndefined();
  });

  test("again and again quarantines the section; a whole one heals it", () => {
    const delta = chunks();
    expect(delta[0]?.from).toBeDefined();
    for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) {
      send({ chunks: broken((chunk) => (chunk.root = new Uint8Array(32))) });
    }
    expect(events("refused").at(-1)?.quarantined).toBe(true);
    const before = state.section(ID);
    send({ chunks: delta });
    expect(state.section(ID)).toBe(before);
    // What it asks for now, and so gets, is the whole section.
    expect(state.have(ID)).toBeUndefined();
    send({ chunks: chunks() });
    expect(revisionHere()).toBe(away.revision);
    expect(state.region("away")?.fault("machines")).toBeUndefined();
  });
});

describe("a peer", () => {
  test("that sends another region's sections unasked is refused", () => {
    const forged = broken((chunk) => (chunk.region = "third"));
    send({ chunks: forged });
    expect(state.region("third")).toBeUndefined();
    expect(events("refused")).toMatchObject([{ reason: "unsolicited", region: "third" }]);
  });

  test("that sends bad frames only is hung up on, and dialled again later", () => {
    for (let i = 0; i < MESH_BAD_FRAMES; i++) {
      send({ chunks: broken((chunk) => (chunk.region = "third")) });
    }
    expect(core.links.get(ADDRESS)?.state).toBe("down");
    expect(outputs.some((output) => output.kind === "hang-up")).toBe(true);
    expect(events("link-down")[0]?.error).toContain(`${MESH_BAD_FRAMES} bad frames`);
    const before = session();
    step(6_000);
    expect(session()).toBe(before + 1);
    greet("away", "away-g0");
    send({ chunks: chunks() });
    expect(revisionHere()).toBe(away.revision);
  });

  test("that answers for another region than it should is hung up on", () => {
    core.closed(ADDRESS, session(), "broken", now());
    step(6_000);
    greet("elsewhere", "elsewhere-g0");
    expect(core.links.get(ADDRESS)?.state).toBe("down");
    expect(events("link-down").at(-1)?.error).toBe("it is a gateway of elsewhere, not of away");
  });

  test("that speaks before it says who it is is hung up on", () => {
    core.closed(ADDRESS, session(), "broken", now());
    step(6_000);
    send({ chunks: chunks() });
    expect(core.links.get(ADDRESS)?.state).toBe("down");
    expect(revisionHere()).not.toBe(away.revision);
  });

  test("that speaks no protocol in common is told apart from one that is broken", () => {
    core.closed(ADDRESS, session(), "broken", now());
    step(6_000);
    send({ hello: { protocolMin: 9, protocolMax: 9, region: "away", gateway: "away-g0" } });
    expect(events("link-down").at(-1)?.error).toContain("mesh protocol 9 to 9");
  });

  test("that echoes a ping which was never sent gets no age believed", () => {
    const incarnation = { counter: 1n, nonce: new Uint8Array(16).fill(7) };
    const standing = { region: "away", incarnation, revision: 51n, sections: 1, ageMs: 0 };
    send({ echo: { stampMs: 1e12 }, standings: [{ ...standing, path: ["away"] }] });
    expect(core.book.ageMs("away", nowMs)).toBeUndefined();
    expect(events("refused")).toMatchObject([{ reason: "malformed" }]);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("with an age of %d is refused", (ageMs) => {
    const incarnation = { counter: 1n, nonce: new Uint8Array(16).fill(7) };
    const standing = { region: "away", incarnation, revision: 51n, sections: 1, ageMs };
    send({ echo: { stampMs: nowMs }, standings: [{ ...standing, path: ["away"] }] });
    expect(core.book.ageMs("away", nowMs)).toBeUndefined();
    expect(events("refused")).toMatchObject([{ reason: "malformed" }]);
  });

  test("that claims another root at the same version is asked for the whole section as proof", () => {
    const held = state.section(ID);
    if (held === undefined) throw new Error("the section is missing");
    const { incarnation, definition, foldSemantics, revision } = held.version;
    const claim = {
      region: "away",
      summary: "machines",
      version: {
        incarnation: {
          counter: BigInt(incarnation.counter),
          nonce: Uint8Array.from(Buffer.from(incarnation.nonce, "hex")),
          baseRevision: 0n,
          parentNonce: new Uint8Array(0),
        },
        definition: BigInt(definition),
        foldSemantics,
        revision: BigInt(revision),
      },
      root: new Uint8Array(32),
    };
    send({ claims: [claim] });
    expect(events("refused")).toEqual([]);
    const requests = outputs.flatMap((o) => (o.kind === "request" ? [o.request] : []));
    const pull = { region: "away", summaries: ["machines"], held: [] };
    expect(requests.at(-1)?.pulls).toMatchObject([pull]);
    const whole = origin.transferSince(ID, undefined);
    if (whole === undefined) throw new Error("there is nothing to send");
    const forged = { ...whole, to: held.version, root: "x".repeat(32) };
    const chunks = encodeTransfer(forged).map((bytes) => fromBinary(SectionChunkSchema, bytes));
    send({ chunks });
    expect(events("refused")).toMatchObject([{ reason: "divergence", quarantined: true }]);
    expect(state.section(ID)).toBe(held);
  });
});
