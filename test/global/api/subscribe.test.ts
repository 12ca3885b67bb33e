import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RETIRED } from "../../../global/digest/section.js";
import { NoticeKind, RegionStatus } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_GROUPS_PER_UPDATE, QUARANTINE_AFTER_FAILURES } from "../../../shared/limits.js";
import {
  changes,
  forget,
  groupKey,
  History,
  incarnation,
  nonce,
  OTHER_SCHEMA,
  SCHEMA,
  usEast,
  version,
  wordOf,
} from "../digest/model.js";
import { FakeGateway, type Follower, Served } from "./fake-gateway.js";
import { TwoRegions } from "./two-regions.js";

const API = groupKey("api");
const WEB = groupKey("web");
const ID = { region: "us-east", summary: "machines" };

let world: TwoRegions;
let gateway: FakeGateway;
let served: Served;
let east: History;
let west: History;

beforeEach(async () => {
  world = await TwoRegions.start();
  ({ gateway, served, east, west } = world);
});

afterEach(() => served.stop());

async function following(
  request: Parameters<Served["subscribe"]>[0] = { summaries: ["machines"] },
): Promise<Follower> {
  const follower = served.subscribe(request);
  await follower.until("heartbeat");
  return follower;
}

describe("a subscription", () => {
  test("begins with all merged groups and a heartbeat that says so", async () => {
    gateway.confirm("us-east", 3, 900);
    const follower = served.subscribe({ summaries: ["machines"] });
    const update = await follower.until("update");
    expect(update).toMatchObject({ summary: "machines", reset: true, more: false });
    expect(update.definition?.measures).toHaveLength(SCHEMA.measures.length);
    expect(follower.count(API)).toBe(5);
    expect(follower.count(WEB)).toBe(1);
    expect(update.regions.map(({ region, version: at }) => [region, at?.revision])).toEqual([
      ["eu-west", 3n],
      ["us-east", 3n],
    ]);
    const heartbeat = await follower.until("heartbeat");
    expect(heartbeat.complete).toBe(true);
    expect(heartbeat.regions.map(({ region, status }) => [region, status])).toEqual([
      ["eu-west", RegionStatus.UNKNOWN],
      ["us-east", RegionStatus.FRESH],
    ]);
    expect(heartbeat.resumeToken.length).toBeGreaterThan(0);
    follower.cancel();
  });

  test("goes on with what changes, merged over all regions, and nothing else", async () => {
    const follower = await following();
    world.stepEast({ api: 7, web: undefined });
    const update = await follower.until("update");
    expect(update).toMatchObject({ reset: false, removed: [WEB] });
    expect(update.groups.map(({ key }) => key)).toEqual([API]);
    expect(update.regions.map(({ region }) => region)).toEqual(["us-east"]);
    expect(follower.count(API)).toBe(9);
    follower.cancel();
  });

  test("says how old all is each second, even when nothing changes", async () => {
    gateway.confirm("us-east", 3, 900);
    const follower = await following();
    gateway.clockMs = 3_500;
    const heartbeat = await follower.until("heartbeat");
    const reading = heartbeat.regions.find(({ region }) => region === "us-east");
    expect(reading?.maxAgeMs).toBeGreaterThanOrEqual(2_600);
    follower.cancel();
  });

  test("sends no update where only versions moved", async () => {
    const follower = await following();
    world.stepEast({});
    world.stepEast({ api: 3 });
    const heartbeat = await follower.next();
    expect(heartbeat.case).toBe("heartbeat");
    follower.cancel();
  });

  test("has the groups and regions that were asked for, and each region's own", async () => {
    const follower = await following({
      summaries: ["machines"],
      regions: ["us-east"],
      groups: { prefix: "ap" },
      byRegion: true,
    });
    expect([...(follower.groups.get("machines") ?? [])].map(([key]) => key)).toEqual([API]);
    expect(follower.count(API)).toBe(3);
    west.step({ api: 9 });
    gateway.hear(west.delta(3, 4));
    world.stepEast({ web: 4 });
    world.stepEast({ api: 8 });
    const update = await follower.until("update");
    expect(follower.count(API)).toBe(8);
    expect(
      update.byRegion.map(({ region, reset, groups }) => [region, reset, groups.length]),
    ).toEqual([["us-east", false, 1]]);
    follower.cancel();
  });

  test("to all summaries takes in those that come later", async () => {
    const follower = await following({});
    gateway.hear({
      id: { region: "us-east", summary: "later" },
      to: version(9),
      from: undefined,
      schema: OTHER_SCHEMA,
      changes: changes({ z: 1 }),
    });
    const update = await follower.until("update");
    expect(update).toMatchObject({ summary: "later", reset: true });
    follower.cancel();
  });

  test("gets a large snapshot in parts that belong together", async () => {
    const groups: Record<string, number> = {};
    for (let i = 0; i < 2 * MAX_GROUPS_PER_UPDATE + 1; i++) groups[`g${i}`] = 1;
    world.stepEast(groups);
    const follower = served.subscribe({ summaries: ["machines"] });
    const parts: [boolean, boolean, number][] = [];
    do {
      const { reset, more, groups: own } = await follower.until("update");
      parts.push([reset, more, own.length]);
    } while (parts.at(-1)?.[1] === true);
    expect(parts).toEqual([
      [true, true, MAX_GROUPS_PER_UPDATE],
      [false, true, MAX_GROUPS_PER_UPDATE],
      [false, false, 3],
    ]);
    expect(follower.groups.get("machines")?.size).toBe(2 * MAX_GROUPS_PER_UPDATE + 3);
    follower.cancel();
  });

  test("keeps to the interval that was asked for", async () => {
    const follower = await following({ summaries: ["machines"], minIntervalMs: 300 });
    const began = performance.now();
    world.stepEast({ api: 1 });
    await follower.until("update");
    for (let n = 2; n < 20; n++) world.stepEast({ api: n });
    const update = await follower.until("update");
    expect(performance.now() - began).toBeGreaterThan(200);
    expect(update.groups).toHaveLength(1);
    expect(follower.count(API)).toBe(21);
    follower.cancel();
  });

  test("says how old all is, and what happens, however long the interval between updates", async () => {
    const follower = await following({ summaries: ["machines"], minIntervalMs: 60_000 });
    world.stepEast({ api: 7 });
    gateway.confirm("us-east", east.last, 990);
    expect((await follower.until("heartbeat")).regions).toHaveLength(2);
    const restored = new History("us-east", { incarnation: incarnation(2, "b") });
    restored.step({ api: 1 });
    gateway.hear(restored.whole(restored.last));
    expect((await follower.until("notice")).kind).toBe(NoticeKind.RESTORE);
    expect(follower.count(API)).toBe(5);
    follower.cancel();
  });

  test.each([
    [
      { summaries: ["machines", "nope"] },
      "NOT_FOUND",
      'there is no summary "nope"; there are machines',
    ],
    [{ regions: ["mars"] }, "NOT_FOUND", 'there is no region "mars"'],
    [{ groups: { keys: ["x"] } }, "INVALID_ARGUMENT", "groups.keys[0]"],
    [{ minIntervalMs: 100_000 }, "INVALID_ARGUMENT", "min_interval_ms: is 100000; at most 60000"],
    [{ resumeToken: new Uint8Array(300_000) }, "INVALID_ARGUMENT", "resume_token: is longer than"],
  ])("to %j is refused by name", async (request, code, message) => {
    await expect(served.subscribe(request).next()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    expect(served.api.subscriptions).toBe(0);
  });

  test("ends with UNAVAILABLE when the gateway stops, and is counted while it lives", async () => {
    const follower = await following();
    expect(served.api.subscriptions).toBe(1);
    served.api.close();
    await expect(follower.until("notice")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(served.api.subscriptions).toBe(0);
  });
});

describe("notices", () => {
  test("tell of a restore before its groups", async () => {
    const follower = await following();
    const restored = new History("us-east", { incarnation: incarnation(2, "b") });
    gateway.hear(restored.whole(2));
    const notice = await follower.until("notice");
    expect(notice).toMatchObject({
      kind: NoticeKind.RESTORE,
      region: "us-east",
      before: { incarnation: 1n, revision: 3n, nonce: nonce("a") },
      now: { incarnation: 2n, nonce: nonce("b") },
    });
    await follower.until("update");
    expect(follower.count(API)).toBe(2);
    expect(follower.count(WEB)).toBeUndefined();
    follower.cancel();
  });

  test("tell of a definition change; the merged groups change when all regions have it", async () => {
    const follower = await following();
    const publish = (region: string, definition: number): void => {
      gateway.hear({
        id: { region, summary: "machines" },
        to: version(9, { definition }),
        from: undefined,
        schema: OTHER_SCHEMA,
        changes: changes({ api: 1 }),
      });
    };
    publish("us-east", 5);
    expect(await follower.until("notice")).toMatchObject({
      kind: NoticeKind.DEFINITION_CHANGE,
      region: "us-east",
      summary: "machines",
    });
    const named = await follower.until("update");
    expect(named).toMatchObject({ reset: false, otherDefinition: ["us-east"], groups: [] });
    expect(follower.count(API)).toBe(5);
    publish("eu-west", 4);
    const update = await follower.until("update");
    expect(update).toMatchObject({ reset: true, otherDefinition: [] });
    expect(update.definition?.fingerprint).toBe(OTHER_SCHEMA.fingerprint);
    expect(follower.count(API)).toBe(2);
    follower.cancel();
  });

  test("tell of a deleted summary, and of a region that was removed", async () => {
    const follower = await following();
    gateway.hear({
      id: ID,
      to: version(9, { definition: 9 }),
      from: undefined,
      schema: RETIRED,
      changes: new Map(),
    });
    expect((await follower.until("notice")).kind).toBe(NoticeKind.RETIRED);
    await follower.until("update");
    expect(follower.count(API)).toBe(2);
    gateway.state.obey(forget("eu-west", 1));
    gateway.moved("eu-west", undefined);
    expect(await follower.until("notice")).toMatchObject({
      kind: NoticeKind.FORGOTTEN,
      region: "eu-west",
    });
    await follower.until("update");
    expect(follower.groups.get("machines")?.size).toBe(0);
    follower.cancel();
  });

  test("tell of conflict and quarantine, and that they have ended", async () => {
    const follower = await following();
    for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) gateway.state.noteFault(ID, "garbage");
    gateway.moved("us-east", "machines");
    expect(await follower.until("notice")).toMatchObject({
      kind: NoticeKind.QUARANTINE,
      summary: "machines",
      message: "garbage",
    });
    east.step({ api: 4 });
    gateway.hear(east.whole(4));
    expect((await follower.until("notice")).kind).toBe(NoticeKind.HEALED);
    gateway.state.witness(wordOf(usEast({ incarnation: incarnation(1, "c") })));
    gateway.moved("us-east", undefined);
    expect(await follower.until("notice")).toMatchObject({
      kind: NoticeKind.CONFLICT,
      region: "us-east",
    });
    follower.cancel();
  });
});
