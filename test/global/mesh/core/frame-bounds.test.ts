import { fromBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import type { Incarnation } from "../../../../global/digest/version.js";
import { encodeTransfer } from "../../../../global/digest/wire-transfer.js";
import { encodeVersion } from "../../../../global/digest/wire-version.js";
import { encodeStanding } from "../../../../global/mesh/core/wire-standing.js";
import { SectionChunkSchema } from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  MAX_ATTESTATIONS_PER_FRAME,
  MAX_CHUNKS_PER_FRAME,
  MAX_HEARSAY_REGIONS,
  MAX_REFUSAL_BYTES,
  MAX_REFUSED_NAME_BYTES,
  MAX_REGIONS,
  MESH_BAD_PARTS,
  MESH_PULL_INTERVAL_MS,
  MESH_VECTOR_CLAIMS,
} from "../../../../shared/limits.js";
import { History, incarnation, SCHEMA, version } from "../../digest/model.js";
import { HostileLink } from "./hostile-link.js";

/** What one frame may cost a gateway that takes it, whatever is in it. */

let peer: HostileLink;

beforeEach(() => {
  peer = new HostileLink();
});

function standing(region: string, life: Incarnation = incarnation(1)) {
  const path = ["away", region];
  const has = { revision: 5, sections: 0, ageMs: 0, path, rttMs: undefined };
  return encodeStanding({ region, incarnation: life, ...has });
}

const times = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

describe("a frame", () => {
  test("is given up when too much of it is bad, and little is said of it", () => {
    peer.say({ chunks: times(1_000, () => ({ region: "mars", summary: "machines" })) });
    expect(peer.refused()).toHaveLength(MESH_BAD_PARTS);
    peer.say({ orders: times(1_000, () => ({ region: "away" })) });
    expect(peer.refused()).toHaveLength(2 * MESH_BAD_PARTS);
  });

  const empty = times(MAX_ATTESTATIONS_PER_FRAME + 1, () => ({}));
  test.each([
    ["chunks", { chunks: times(MAX_CHUNKS_PER_FRAME + 1, () => ({})) }],
    ["attestations", { attestations: empty }],
    ["orders", { orders: empty }],
    ["reports", { reports: empty }],
    ["standings", { standings: times(MAX_REGIONS + 1, () => standing("away")) }],
  ])("of too many %s is not looked into", (what, init) => {
    peer.say(init);
    expect(peer.refused()).toMatchObject([
      {
        reason: "malformed",
        message: expect.stringMatching(`^${what} has \\d+ elements; at most`),
      },
    ]);
    expect(peer.link.standings.size).toBe(0);
  });

  test("can't have long names shown, or kept in mind to be asked for", () => {
    const name = "é".repeat(300_000);
    peer.say({ chunks: [{ region: name }, { region: "away", summary: name }] });
    expect(peer.refused()).toHaveLength(2);
    for (const { region, summary, message } of peer.refused()) {
      for (const shown of [region, summary]) {
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(MAX_REFUSED_NAME_BYTES);
      }
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_REFUSAL_BYTES);
    }
    const asked = peer.outputs.filter(
      (output) => output.kind === "request" && output.request.pulls !== undefined,
    );
    expect(asked).toEqual([]);
  });
});

describe("regions that nobody knows", () => {
  test("are few that a peer may tell of, and none is told on", () => {
    peer.say({ standings: [standing("away"), ...times(200, (i) => standing(`r${i}`))] });
    expect(peer.refused()).toMatchObject([{ reason: "malformed" }]);
    expect(peer.link.standings.size).toBe(1 + MAX_HEARSAY_REGIONS);
    const stampMs = peer.now.ageMs;
    peer.say({ echo: { stampMs }, standings: [standing("r1"), standing("away")] });
    expect([...peer.core.book.regions()]).toEqual(["away"]);
  });

  test("are known by their own sections, and then make room for others", () => {
    const publish = (region: string) =>
      peer.state.publish({
        id: { region, summary: "machines" },
        to: version(3),
        from: undefined,
        schema: {
          fingerprint: "ab".repeat(32),
          groupBy: [],
          measures: [{ name: "n", kind: "count", scale: 0, limit: 0 }],
          retired: false,
        },
        changes: new Map(),
      });
    peer.say({ standings: times(MAX_HEARSAY_REGIONS, (i) => standing(`r${i}`)) });
    publish("r0");
    const stampMs = peer.now.ageMs;
    peer.say({ echo: { stampMs }, standings: [standing("r0"), standing("another")] });
    expect(peer.refused()).toEqual([]);
    expect([...peer.core.book.regions()]).toContain("r0");
  });
});

describe("what a peer answers", () => {
  test.each([Number.NaN, Number.NEGATIVE_INFINITY, 0, 999, 1_001, 1e15])(
    "to a ping of %d, which was never sent, is refused",
    (stampMs) => {
      peer.say({ echo: { stampMs }, standings: [standing("away")] });
      expect(peer.refused()).toMatchObject([
        { message: `echo.stamp_ms: ${stampMs} was never sent` },
      ]);
      expect(peer.link.standings.size).toBe(0);
    },
  );

  test("is asked for again only after a while, and not any number of things at once", () => {
    const { link, now } = peer;
    expect(link.mayPull("a", now)).toBe(true);
    expect(link.mayPull("a", now)).toBe(false);
    for (let i = 0; i < 2 * MESH_VECTOR_CLAIMS; i++) link.mayPull(`s${i}`, now);
    expect(link.mayPull("b", now)).toBe(false);
    peer.step(MESH_PULL_INTERVAL_MS);
    expect(link.mayPull("a", peer.now)).toBe(true);
    expect(link.mayPull("b", peer.now)).toBe(true);
  });
});

test("a second life's word that its region didn't sign is refused each time", () => {
  peer = new HostileLink({
    isOpen: false,
    sign: () => ({ signature: new Uint8Array(64), keyId: "own" }),
    verify: () => "forged",
  });
  peer.state.publish({
    id: { region: "away", summary: "machines" },
    to: version(3),
    from: undefined,
    schema: { fingerprint: "ab".repeat(32), groupBy: [], measures: [], retired: false },
    changes: new Map(),
  });
  const other = { counter: 1n, nonce: new Uint8Array(16) };
  const word = { region: "away", incarnation: other, signature: new Uint8Array(64), keyId: "k" };
  peer.say({ attestations: [word] });
  expect(peer.refused()).toMatchObject([{ reason: "forged", region: "away" }]);
  expect(peer.state.region("away")?.nonces).toHaveLength(1);
});

test("differences from another revision than the stream brought are a gap, and no fault", () => {
  const history = new History("away");
  for (const step of [{ a: 1 }, { b: 2 }, { a: 3 }]) history.step(step);
  const { id } = history;
  const chunks = encodeTransfer(history.whole(4)).map((own) => fromBinary(SectionChunkSchema, own));
  peer.say({ chunks });
  const difference = { columns: SCHEMA.measures.map(() => new Uint8Array(0)) };
  const head = {
    ...id,
    to: encodeVersion(history.version(5)),
    root: new Uint8Array(32),
    chunks: 1,
  };
  peer.say({ chunks: [{ ...head, from: 3n, difference }] });
  expect(peer.refused()).toEqual([]);
  expect(peer.state.region("away")?.fault("machines")).toBeUndefined();
  peer.say({ chunks: [{ ...head, from: 4n, difference }] });
  expect(peer.refused()).toMatchObject([{ reason: "bad-root" }]);
});
