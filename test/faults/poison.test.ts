import { once } from "node:events";
import { deflateRawSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GlobalState } from "../../global/digest/global-state.js";
import { type Trust, UNSIGNED } from "../../global/digest/trust.js";
import { encodeTransfer } from "../../global/digest/wire-transfer.js";
import { FrameWriter } from "../../global/mesh/core/frame-writer.js";
import { Keyring } from "../../global/trust/keyring.js";
import { CODES } from "../../shared/errors.js";
import {
  type GetResponse,
  GlobalService,
  NoticeKind,
  RegionStatus,
  type SummaryState,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { SyncResponseSchema } from "../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../shared/hash.js";
import { MAX_MESH_FRAME_BYTES } from "../../shared/limits.js";
import { seededRandom } from "../../shared/random.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { FakeRegion } from "../global/mesh/fake-region.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { type Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { Forger } from "./forger.js";
import { grpcFrame, rawCall, sendGarbage } from "./raw-grpc.js";

/**
 * What must not be able to hurt a gateway: bytes that are no message, sections that are
 * not theirs who send them, definitions and records that make no sense. It says what is
 * wrong, goes on with the last good state, and never ends.
 */
const DEFINITION = "name: machines\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n";
const MEASURES = "  machines: count()\n  spare: sum(value.cpu_free)\n";
const GET = "/atoll.global.v1.GlobalService/Get";
const SYNC = "/atoll.mesh.v1.MeshService/Sync";
const NONSENSE = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff);
const POLL_MS = 50;
const WAIT_MS = 30_000;

let world: World;
let gateway: Gateway;
let forger: Forger;
let client: RpcClient;
let endpoints: readonly string[];
const west = new FakeRegion("west", 0xee, ["machines"], 3);

beforeAll(async () => {
  for (let i = 0; i < 5; i++) west.write(i, seededRandom(i));
  forger = await Forger.start("west", west.incarnation);
  world = await startWorld({
    regions: ["east", "west"],
    via: async (from, _to, address) => (from === "east" ? forger.address : address),
  });
  gateway = world.gateway("east");
  client = new RpcClient(gateway.address.grpc);
  endpoints = world.region("east").endpoints;
  await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION + MEASURES);
  await etcdctlOk(endpoints, "put", "/machines/a", '{"app": "api", "cpu_free": 8}');
  await until("the first record is counted", async () => (await view()).groups.length === 1);
});
afterAll(async () => {
  client?.close();
  await world?.stop();
  await forger?.stop();
});

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > giveUpAt) throw new Error(`not so after ${WAIT_MS} ms: ${what}`);
    await once(AbortSignal.timeout(POLL_MS), "abort");
  }
}

function view(): Promise<GetResponse> {
  return client.unary(GlobalService.method.get, { summary: "machines", regions: ["east"] });
}

/** The sum of a metric over all series whose labels have these texts in them. */
async function metric(name: string, ...labels: readonly string[]): Promise<number> {
  const response = await fetch(`http://${gateway.address.http}/metrics`);
  const lines = (await response.text()).split("\n");
  return lines
    .filter((line) => line.startsWith(`atoll_global_${name}{`))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function expectUnhurt(): Promise<void> {
  expect(gateway.child.hasExited).toBe(false);
  expect((await view()).groups.map(({ key }) => key)).toEqual(['["api"]']);
  expect(await metric("internal_errors_total")).toBe(0);
}

describe("calls that are none", () => {
  test("malformed messages are refused with code and text, and counted", async () => {
    const { grpc } = gateway.address;
    const get = await rawCall(grpc, GET, grpcFrame(NONSENSE));
    expect(get.status).toBe(CODES.INVALID_ARGUMENT);
    expect(get.message).toContain("atoll.global.v1.GetRequest");
    const sync = await rawCall(grpc, SYNC, grpcFrame(NONSENSE), true);
    expect(sync.status).toBe(CODES.INVALID_ARGUMENT);
    expect(sync.message).toContain("atoll.mesh.v1.SyncRequest");
    for (const method of [GET, SYNC]) {
      const label = `method="${method.slice(1)}"`;
      expect(await metric("rpc_calls_total", label, 'code="INVALID_ARGUMENT"')).toBe(1);
    }
    await expectUnhurt();
  });

  test("a stream whose first message isn't a hello is refused", async () => {
    const { status, message } = await rawCall(
      gateway.address.grpc,
      SYNC,
      grpcFrame(new Uint8Array(0)),
      true,
    );
    expect(status).toBe(CODES.INVALID_ARGUMENT);
    expect(message).toBe("hello: the first message must have one");
    await expectUnhurt();
  });

  test("an oversize request is refused, and the next one is served", async () => {
    const large = grpcFrame(new Uint8Array(4 * 1024 * 1024));
    for (const method of [GET, SYNC]) {
      const { status, message } = await rawCall(gateway.address.grpc, method, large, true);
      expect([method, status]).toEqual([method, CODES.RESOURCE_EXHAUSTED]);
      expect(message).toMatch(/larger than|too large/);
    }
    await expectUnhurt();
  });

  test("an unknown method is said to be none", async () => {
    const path = "/atoll.global.v1.GlobalService/Nothing";
    const { status, message } = await rawCall(gateway.address.grpc, path, grpcFrame(NONSENSE));
    expect(status).toBe(CODES.UNIMPLEMENTED);
    expect(message).toContain("Nothing");
    await expectUnhurt();
  });

  test("bytes that are no HTTP/2 are hung up on", async () => {
    await sendGarbage(gateway.address.grpc, Buffer.from("\u0000\u0001 no protocol at all\r\n\r\n"));
    await sendGarbage(gateway.address.grpc, Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await sendGarbage(gateway.address.http, NONSENSE);
    await expectUnhurt();
  });
});

describe("a gateway that lies", () => {
  /** What a region signs with. */
  function keysOf(region: string): Trust {
    const { trust, signingKey } = world.keys;
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
    const before = await metric("mesh_refused_total", label);
    forger.say(...frames);
    await until(
      `something was refused as ${reason}`,
      async () => (await metric("mesh_refused_total", label)) > before,
    );
  }

  /** Resolves when the gateway has given up a stream for that reason, and says so of the region. */
  async function givenUp(text: string, ...frames: readonly Uint8Array[]): Promise<void> {
    forger.say(...frames);
    await until(`west is out of reach because: ${text}`, async () => {
      const { regions } = await client.unary(GlobalService.method.regions, {});
      return regions.some(
        ({ freshness }) =>
          freshness?.region === "west" && freshness.reason.includes(text) && freshness.path === "",
      );
    });
  }

  test("sections of this region and of others are not taken from it", async () => {
    await refused("unsolicited", frameOf(forged("east")));
    await refused("unsolicited", frameOf(forged("mars")));
    await expectUnhurt();
    const { regions } = await client.unary(GlobalService.method.regions, {});
    expect(regions.map(({ freshness }) => freshness?.region)).toEqual(["east", "west"]);
  });

  test("sections that don't have the root that they claim are not taken", async () => {
    await refused("bad-root", frameOf(west, true), frameOf(west, true), frameOf(west, true));
    await expectUnhurt();
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
    await expectUnhurt();
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
    await etcdctlOk(endpoints, "put", "/machines/c", '{"app": "api", "cpu_free": 8}');
    await until("the source goes on", async () => {
      const cell = (await view()).groups[0]?.cells[0]?.value;
      return cell?.case === "count" && cell.value === 2n;
    });
    await etcdctlOk(endpoints, "del", "/machines/c");
    await until("the record is gone", async () => {
      const cell = (await view()).groups[0]?.cells[0]?.value;
      return cell?.case === "count" && cell.value === 1n;
    });
    await expectUnhurt();
  });

  test("a stream of nothing but bad frames is ended", async () => {
    const bad = frameOf(forged("mars"));
    await givenUp("bad frames in a row", ...Array.from({ length: 12 }, () => bad));
    await expectUnhurt();
  });

  test("bytes that are no frame, and a frame beyond all bounds, end their stream", async () => {
    await givenUp("malformed message", NONSENSE);
    await givenUp("larger than", new Uint8Array(2 * MAX_MESH_FRAME_BYTES));
    await expectUnhurt();
  });

  test("what inflates beyond all bounds, or doesn't, ends its stream", async () => {
    const deflatedFrame = (deflated: Uint8Array): Uint8Array =>
      toBinary(SyncResponseSchema, create(SyncResponseSchema, { deflated }));
    const bomb = deflateRawSync(new Uint8Array(64 * MAX_MESH_FRAME_BYTES));
    await givenUp("becomes more than", deflatedFrame(bomb));
    await givenUp("deflated: invalid", deflatedFrame(NONSENSE));
    await givenUp("deflated: illegal tag", deflatedFrame(deflateRawSync(new Uint8Array(9))));
    await expectUnhurt();
  });

  test("a gateway of another region is not taken for one of this", async () => {
    forger.region = "mars";
    await givenUp("it is a gateway of mars, not of west");
    forger.region = "west";
    await expectUnhurt();
  });

  test("once it is honest it is believed", async () => {
    forger.say(frameOf(west));
    await until("west's groups are there", async () => {
      const request = { summary: "machines", regions: ["west"], byRegion: true };
      const answer = await client.unary(GlobalService.method.get, request);
      return (answer.byRegion[0]?.groups.length ?? 0) > 0;
    });
    await expectUnhurt();
  });

  test("what it spoils later is quarantined, and subscribers are told so and of its end", async () => {
    const subscriber = new Subscriber(gateway.address.grpc, "machines");
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
    await expectUnhurt();
  });

  test("a life that comes out of turn waits for an operator", async () => {
    const later = new FakeRegion("west", 0xcc, ["machines"], 3, 7);
    for (let i = 0; i < 5; i++) later.write(i, seededRandom(i));
    await refused("jump", frameOf(later));
    const { regions } = await client.unary(GlobalService.method.regions, {});
    const freshness = regions.find((region) => region.freshness?.region === "west")?.freshness;
    expect(freshness?.version?.incarnation).toBe(1n);
    expect(freshness?.reason).toContain(`atoll region adopt west ${later.incarnation.nonce}`);
    await expectUnhurt();
  });
});

describe("definitions and records that make no sense", () => {
  const summary = async (name: string): Promise<SummaryState | undefined> => {
    const request = { summary: name, regions: ["east"] };
    return (await client.unary(GlobalService.method.summaries, request)).summaries[0];
  };

  test("of an invalid definition the last good one stays, and the error is shown", async () => {
    const good = await summary("machines");
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", `${DEFINITION}  a: total(1)\n`);
    await until("the error is shown", async () => (await summary("machines"))?.error !== "");
    const bad = await summary("machines");
    expect(bad?.error).toContain("measures.a");
    expect(bad?.text).toContain("total(1)");
    expect(bad?.published?.fingerprint).toBe(good?.published?.fingerprint);
    await etcdctlOk(endpoints, "put", "/machines/b", '{"app": "api", "cpu_free": 1}');
    await until("the last good one counts on", async () => {
      const cell = (await view()).groups[0]?.cells[0]?.value;
      return cell?.case === "count" && cell.value === 2n;
    });
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION + MEASURES);
    await until("the error is gone", async () => (await summary("machines"))?.error === "");
    await expectUnhurt();
  });

  test("definitions of impossible names, bytes and sizes hurt nobody", async () => {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/no name/é", DEFINITION + MEASURES);
    await etcdctlOk(endpoints, "put", "/atoll/summaries/", "name: ''\n");
    await etcdctlOk(endpoints, "put", "/atoll/summaries/long", `# ${"x".repeat(90_000)}\n`);
    const shown = async (name: string): Promise<boolean> =>
      (await client.unary(GlobalService.method.summaries, {})).summaries.some(
        (state) => state.region === "east" && state.summary === name && state.error !== "",
      );
    await until("the long one is refused", () => shown("long"));
    await until("the one without a possible name is refused", () => shown("no name/é"));
    await expectUnhurt();
    // The other region's gateway, which is honest, hears of those that can be named.
    const other = new RpcClient(world.gateway("west").address.grpc);
    await until("the other region knows", async () => {
      const { summaries } = await other.unary(GlobalService.method.summaries, {
        summary: "long",
        regions: ["east"],
      });
      return summaries[0]?.error.includes("the limit is") === true;
    });
    other.close();
    for (const name of ["no name/é", "", "long"]) {
      await etcdctlOk(endpoints, "del", `/atoll/summaries/${name}`);
    }
  });

  test("records that don't parse are skipped with their keys, and the stream goes on", async () => {
    const follower = new Subscriber(gateway.address.grpc, "machines");
    await etcdctlOk(endpoints, "put", "/machines/broken", '{"app": ');
    await etcdctlOk(endpoints, "put", "/machines/wrong", '{"app": "api", "cpu_free": "many"}');
    await etcdctlOk(endpoints, "put", "/machines/deep", "[".repeat(5_000));
    await etcdctlOk(endpoints, "put", "/machines/c", '{"app": "web", "cpu_free": 2}');
    await follower.until((s) => s.groups.get("web")?.[0] === 1);
    expect(follower.groups.get("api")).toEqual([2, 9]);
    await until("the skipped are told", async () => (await summary("machines"))?.skipped === 3n);
    const samples = (await summary("machines"))?.samples ?? [];
    expect(samples.map(({ key }) => key).sort()).toEqual([
      "/machines/broken",
      "/machines/deep",
      "/machines/wrong",
    ]);
    for (const { reason } of samples) expect(reason).not.toBe("");
    expect(await metric("skipped_records")).toBe(3);
    await etcdctlOk(endpoints, "put", "/machines/broken", '{"app": "web", "cpu_free": 3}');
    await follower.until((s) => s.groups.get("web")?.[1] === 5);
    follower.close();
    expect(gateway.child.hasExited).toBe(false);
  });
});
