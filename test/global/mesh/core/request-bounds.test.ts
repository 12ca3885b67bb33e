import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeClaim } from "../../../../global/digest/wire-version.js";
import { joinedParts } from "../../../../global/mesh/core/joined-parts.js";
import { SyncRequestSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_MESH_FRAME_BYTES,
  MAX_PULLS_PER_REQUEST,
  MAX_REGIONS,
  MAX_SECTIONS_PER_REGION,
  MESH_FRAME_TARGET_BYTES,
  MESH_LINK_SUSPECT_MS,
  MESH_SELF_RETRY_MS,
} from "../../../../shared/limits.js";
import { version } from "../../digest/model.js";
import { HostileLink } from "./hostile-link.js";

/** What receivers may ask of a gateway, and that nobody takes another's place by its name. */

let gateway: HostileLink;

beforeEach(() => {
  gateway = new HostileLink();
});

function ask(stream: number, init: MessageInitShape<typeof SyncRequestSchema>): void {
  gateway.core.requested(stream, create(SyncRequestSchema, init), gateway.now);
}

function hello(stream: number, name = "away-g0"): void {
  const who = { region: "away", gateway: name };
  ask(stream, { hello: { protocolMin: 1, protocolMax: 1, foldSemantics: 1, ...who } });
}

const times = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

describe("a request", () => {
  test.each([
    ["pulls", { pulls: times(MAX_PULLS_PER_REQUEST + 1, () => ({ region: "home" })) }],
    [
      "pulls[0].summaries",
      {
        pulls: [{ region: "home", summaries: times(MAX_SECTIONS_PER_REGION + 1, (i) => `s${i}`) }],
      },
    ],
    ["interest.regions", { interest: { regions: times(MAX_REGIONS + 1, (i) => `r${i}`) } }],
  ])("with too many %s ends its stream", (what, init) => {
    hello(1);
    expect(() => ask(1, init)).toThrow(`${what} has `);
  });
});

describe("a second stream in one gateway's name", () => {
  const ended = (): number[] =>
    gateway.outputs.flatMap((output) => (output.kind === "end-stream" ? [output.stream] : []));

  test("doesn't end the first while that pings", () => {
    hello(1);
    gateway.step(MESH_LINK_SUSPECT_MS - 1);
    hello(2);
    gateway.step(0);
    expect(ended()).toEqual([]);
    expect(gateway.core.listeners()).toHaveLength(2);
  });

  test("takes the place of one that has fallen silent", () => {
    hello(1);
    hello(2, "away-g1");
    gateway.step(MESH_LINK_SUSPECT_MS);
    hello(3);
    gateway.step(0);
    expect(ended()).toEqual([1]);
  });
});

test("what is told of everything is cut into messages that frames have room for", () => {
  const name = "n".repeat(63);
  const claims = times(4_000, (i) => ({
    claims: [
      encodeClaim({
        id: { region: name, summary: `${i}${"x".repeat(120)}` },
        version: version(5),
        root: "r".repeat(32),
      }),
    ],
  }));
  const messages = joinedParts(claims);
  expect(messages.length).toBeGreaterThan(3);
  for (const message of messages) {
    expect(message.length).toBeLessThan(MESH_FRAME_TARGET_BYTES + 1_000);
    expect(message.length).toBeLessThan(MAX_MESH_FRAME_BYTES);
  }
  expect(joinedParts([])).toEqual([]);
});

test("an address where somebody said this gateway's own name is tried again in time", () => {
  const dials = (): number =>
    gateway.outputs.filter((output) => output.kind === "dial" && output.address === "home:1")
      .length;
  const before = dials();
  gateway.answer("home:1", { region: "home", gateway: "home-g0" });
  gateway.step(60_000);
  expect(dials()).toBe(before);
  gateway.step(MESH_SELF_RETRY_MS);
  gateway.step(100);
  expect(dials()).toBe(before + 1);
});
