import { deflateRawSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GlobalState } from "../../../global/digest/global-state.js";
import { type Trust, UNSIGNED } from "../../../global/digest/trust.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import { FrameWriter } from "../../../global/mesh/core/frame-writer.js";
import { Keyring } from "../../../global/trust/keyring.js";
import {
  GlobalService,
  NoticeKind,
  RegionStatus,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MAX_MESH_FRAME_BYTES } from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";
import { FakeRegion } from "../../global/mesh/fake-region.js";
import { Subscriber } from "../../peers/subscriber.js";
import { Forger } from "./forger.js";
import { PoisonedWorld, until } from "./poisoned-world.js";

/**
 * A peer that lies to a gateway, in one way after the other, each told by its own reason. It
 * goes on with the last good state, and believes the peer once it is honest.
 */
const NONSENSE = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff);

let poisoned: PoisonedWorld;
let forger: Forger;
const west = new FakeRegion("west", 0xee, ["machines"], 3);

beforeAll(async () => {
  for (let i = 0; i < 5; i++) west.write(i, seededRandom(i));
  forger = await Forger.start("west", west.incarnation);
  poisoned = await PoisonedWorld.start({
    regions: ["east", "west"],
    via: async (from, _to, address) => (from === "east" ? forger.address : address),
  });
});
afterAll(async () => {
  await poisoned?.stop();
  await forger?.stop();
});

describe("a gateway that lies", () => {
  /** What a region signs with. */
  function keysOf(region: string): Trust {
    const { trust, signingKey } = poisoned.world.keys;
    return new Keyring({ folder: trust, signingKey: signingKey(region), region });
  }

  /** A frame with all of a region's section, as an honest gateway of it would send it. */
  function frameOf(region: FakeRegion, isSpoilt = false, trust = keysOf("west")): Uint8Array {
    const state = new GlobalState(sha256, trust);
    const frame = new FrameWriter();
    for (const publication of region.publications(undefined, region.revision)) {
      state.publish(publication);
      const whole = state.transferSince(publication.id, undefined);
      if (whole === undefined) throw new Error("there is nothing to send");
      const root = isSpoilt ? sha256(Buffer.from("something else")) : whole.root;
      for (const chunk of encodeTransfer({ ...whole, root })) frame.chunk(chunk);
      const word = state.words.of(publication.id);
      if (word !== undefined) frame.attestation(word);
    }
    return frame.finish();
  }

  function forged(name: string): FakeRegion {
    const region = new FakeRegion(name, 0xdd, ["machines"], 3);
    for (let i = 0; i < 50; i++) region.write(i, seededRandom(i));
    return region;
  }

  /** Resolves when the gateway has refused more of a kind than before. */
  async function refused(reason: string, ...frames: readonly Uint8Array[]): Promise<void> {
    const label = `reason="${reason}"`;
    const before = await poisoned.metric("mesh_refused_total", label);
    forger.say(...frames);
    await until(
      `something was refused as ${reason}`,
      async () => (await poisoned.metric("mesh_refused_total", label)) > before,
    );
  }

  /** Resolves when the gateway has given up a stream for that reason, and says so of the region. */
  async function givenUp(text: string, ...frames: readonly Uint8Array[]): Promise<void> {
    forger.say(...frames);
    await until(`west is out of reach because: ${text}`, async () => {
      const { regions } = await poisoned.client.unary(GlobalService.method.regions, {});
      return regions.some(
        ({ freshness }) =>
          freshness?.region === "west" && freshness.reason.includes(text) && freshness.path === "",
      );
    });
  }

  test("sections of this region and of others are not taken from it", async () => {
    await refused("unsolicited", frameOf(forged("east")));
    await refused("unsolicited", frameOf(forged("mars")));
    await poisoned.expectUnhurt();
    const { regions } = await poisoned.client.unary(GlobalService.method.regions, {});
    expect(regions.map(({ freshness }) => freshness?.region)).toEqual(["east", "west"]);
  });

  test("sections that don't have the root that they claim are not taken", async () => {
    await refused("bad-root", frameOf(west, true), frameOf(west, true), frameOf(west, true));
    await poisoned.expectUnhurt();
  });

  test("sections that their region hasn't signed are not taken", async () => {
    await refused("unsigned", frameOf(west, false, UNSIGNED));
    await refused("unknown-key", frameOf(west, false, keysOf("east")));
    const claimed = keysOf("west").sign(new Uint8Array(0)).keyId;
    const thief: Trust = {
      ...UNSIGNED,
      sign: (bytes) => ({ ...keysOf("east").sign(bytes), keyId: claimed }),
    };
    await refused("forged", frameOf(west, false, thief));
    await poisoned.expectUnhurt();
  });

  test("a forged word of this region's own future doesn't keep it from its source", async () => {
    const east = new FakeRegion("east", 0xdd, ["machines"], 3);
    for (let i = 0; i < 50; i++) east.write(i, seededRandom(i));
    const frame = new FrameWriter();
    const future = { ...east.incarnation, counter: 9 };
    frame.attestation({
      region: "east",
      incarnation: future,
      sections: [],
      lineage: { counter: 1e9, nonce: "ab".repeat(8), revision: 1e9 },
      ...keysOf("west").sign(new Uint8Array(0)),
    });
    frame.standing({
      region: "east",
      incarnation: future,
      revision: 1e9,
      sections: 1,
      ageMs: 0,
      path: ["west", "east"],
      rttMs: undefined,
    });
    await refused("unknown-key", frame.finish());
    await poisoned.put("/machines/c", '{"app": "api", "cpu_free": 8}');
    await until("the source goes on", () => poisoned.counts(2n));
    await poisoned.delete("/machines/c");
    await until("the record is gone", () => poisoned.counts(1n));
    await poisoned.expectUnhurt();
  });

  test("a stream of nothing but bad frames is ended", async () => {
    const bad = frameOf(forged("mars"));
    await givenUp("bad frames in a row", ...Array.from({ length: 12 }, () => bad));
    await poisoned.expectUnhurt();
  });

  test("bytes that are no frame, and a frame beyond all bounds, end their stream", async () => {
    await givenUp("malformed message", NONSENSE);
    await givenUp("larger than", new Uint8Array(2 * MAX_MESH_FRAME_BYTES));
    await poisoned.expectUnhurt();
  });

  test("what inflates beyond all bounds, or doesn't, ends its stream", async () => {
    const deflatedFrame = (deflated: Uint8Array): Uint8Array =>
      toBinary(SyncResponseSchema, create(SyncResponseSchema, { deflated }));
    const bomb = deflateRawSync(new Uint8Array(64 * MAX_MESH_FRAME_BYTES));
    await givenUp("becomes more than", deflatedFrame(bomb));
    await givenUp("deflated: invalid", deflatedFrame(NONSENSE));
    await givenUp("deflated: illegal tag", deflatedFrame(deflateRawSync(new Uint8Array(9))));
    await poisoned.expectUnhurt();
  });

  test("a gateway of another region is not taken for one of this", async () => {
    forger.region = "mars";
    await givenUp("it is a gateway of mars, not of west");
    forger.region = "west";
    await poisoned.expectUnhurt();
  });

  test("once it is honest it is believed", async () => {
    forger.say(frameOf(west));
    await until("west's groups are there", async () => {
      const request = { summary: "machines", regions: ["west"], byRegion: true };
      const answer = await poisoned.client.unary(GlobalService.method.get, request);
      return (answer.byRegion[0]?.groups.length ?? 0) > 0;
    });
    await poisoned.expectUnhurt();
  });

  test("what it spoils later is quarantined, and subscribers are told so and of its end", async () => {
    const subscriber = new Subscriber(poisoned.gateway.address.grpc, "machines");
    const told = (): NoticeKind[] =>
      subscriber.notices.filter(({ region }) => region === "west").map(({ kind }) => kind);
    try {
      await subscriber.until(({ complete }) => complete);
      const groups = new Map(subscriber.groups);
      west.write(100, seededRandom(100));
      await refused("bad-root", ...Array.from({ length: 4 }, () => frameOf(west, true)));
      await subscriber.until(() => told().includes(NoticeKind.QUARANTINE));
      await subscriber.until(
        ({ regions }) => regions.get("west")?.status === RegionStatus.QUARANTINED,
      );
      expect(subscriber.groups).toEqual(groups);
      forger.say(frameOf(west));
      await subscriber.until(() => told().includes(NoticeKind.HEALED));
      expect(told()).toEqual([NoticeKind.QUARANTINE, NoticeKind.HEALED]);
    } finally {
      subscriber.close();
    }
    await poisoned.expectUnhurt();
  });

  test("a life that comes out of turn waits for an operator", async () => {
    const later = new FakeRegion("west", 0xcc, ["machines"], 3, 7);
    for (let i = 0; i < 5; i++) later.write(i, seededRandom(i));
    await refused("jump", frameOf(later));
    const { regions } = await poisoned.client.unary(GlobalService.method.regions, {});
    const freshness = regions.find((region) => region.freshness?.region === "west")?.freshness;
    expect(freshness?.version?.incarnation).toBe(1n);
    expect(freshness?.reason).toContain(`atoll region adopt west ${later.incarnation.nonce}`);
    await poisoned.expectUnhurt();
  });
});
