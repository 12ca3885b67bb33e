import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { RETIRED } from "../../../global/digest/section.js";
import { MIRROR_STREAM_ENTRIES } from "../../../shared/limits.js";
import { type RedisServer, startRedis } from "../../peers/redis.js";
import { forget, groupKey, History, incarnation } from "../digest/model.js";
import { type Cli, MirroredGateway, readChanges, readUnit, until } from "./mirrored.js";

/** One gateway and one Redis that is well: what is mirrored, and how changes are told. */
const EAST = "machines@us-east";
const WEST = "machines@eu-west";
const MERGED = "machines";

let redis: RedisServer;
let cli: Cli;
let one: MirroredGateway;

beforeAll(async () => {
  redis = await startRedis();
  cli = (...args) => redis.cli(...args);
});
afterAll(() => redis?.stop());
beforeEach(async () => {
  await cli("FLUSHALL");
  one = new MirroredGateway({ redis: redis.address });
});
afterEach(() => one.mirror.stop());

function twoRegions(): [History, History] {
  const [east, west] = [new History("us-east"), new History("eu-west")];
  east.step({ api: 3, web: 1 });
  west.step({ api: 4, db: 2 });
  for (const history of [east, west]) one.gateway.hear(history.whole(history.last));
  return [east, west];
}

test("Redis holds what Get answers: each region's groups, and the merge", async () => {
  twoRegions();
  await one.untilMirrored(cli, EAST, WEST, MERGED);
  const { groups, meta } = await readUnit(cli, MERGED);
  expect(groups.get(groupKey("api"))).toMatchObject({
    machines: 7,
    spare: -10.5,
    least: 1,
    most: 4,
    busiest: { entries: [{ value: 1, weight: 0.4, error: 0.1 }, expect.anything()] },
    hosts: { estimate: 2, standardError: expect.any(Number) },
    one: "host-4",
    newest: { value: false, order: 3 },
    zones: { values: [3, 4], truncated: false },
    latency: expect.objectContaining({ count: 9, p50: expect.any(Number) }),
  });
  expect(JSON.parse(meta["vector"] ?? "")).toEqual({
    "us-east": `1/${"a".repeat(32)}/2/1/3`,
    "eu-west": `1/${"a".repeat(32)}/2/1/3`,
  });
  expect(meta).toMatchObject({ state: "live", groups: "3", change: "1" });
  await until(
    async () => (await cli("SCARD", "atoll:{index}:units")) === 3,
    () => "the index of units",
  );
});

test("how fresh regions were is told in wall time, and is null where it isn't known", async () => {
  twoRegions();
  one.gateway.confirm("us-east", 3, one.gateway.nowMs() - 400);
  const told = async (): Promise<Record<string, { asOf: string | null }>> =>
    JSON.parse((await readUnit(cli, MERGED)).meta["regions"] ?? "{}");
  await until(
    async () => typeof (await told())["us-east"]?.asOf === "string",
    () => "an as-of to be told",
  );
  const { "us-east": east, "eu-west": west } = await told();
  const age = Date.now() - Date.parse(east?.asOf ?? "");
  expect(age).toBeGreaterThanOrEqual(400);
  expect(west?.asOf).toBeNull();
});

test("the stream's changes lead from each state to the next, removed groups too", async () => {
  const [east] = twoRegions();
  await one.untilMirrored(cli, MERGED, EAST);
  const copy = new Map((await readUnit(cli, MERGED)).groups);
  const begun = (await readChanges(cli, MERGED)).length;
  for (const step of [{ api: 5 }, { web: undefined, new: 1 }, { api: undefined }]) {
    east.step(step);
    one.gateway.hear(east.delta(east.last - 1, east.last));
    await one.untilMirrored(cli, MERGED);
  }
  const changes = (await readChanges(cli, MERGED)).slice(begun);
  expect(changes.map(({ kind, change }) => [kind, change])).toEqual(
    changes.map((_, i) => ["delta", String(begun + 1 + i)]),
  );
  for (const { changed = "{}", removed = "[]" } of changes) {
    for (const [key, value] of Object.entries(JSON.parse(changed))) copy.set(key, value);
    for (const key of JSON.parse(removed) as string[]) copy.delete(key);
  }
  expect(copy).toEqual(one.expected(MERGED));
  expect(copy.has(groupKey("web"))).toBe(false);
  expect(JSON.parse(changes.at(-1)?.["moved"] ?? "")).toEqual({
    "us-east": `1/${"a".repeat(32)}/2/1/${east.last}`,
  });
});

test("a revision that changes no group moves the version and is no entry of the stream", async () => {
  const [east] = twoRegions();
  await one.untilMirrored(cli, EAST);
  east.step({});
  one.gateway.hear(east.delta(3, 4));
  await until(
    async () => ((await readUnit(cli, EAST)).meta["vector"] ?? "").endsWith('/4"}'),
    () => "the newer version",
  );
  expect(await readChanges(cli, EAST)).toHaveLength(1);
});

test("a summary that its regions deleted leaves, and is retired in the stream", async () => {
  const [east, west] = twoRegions();
  await one.untilMirrored(cli, EAST, MERGED);
  for (const { id } of [east, west]) {
    const to = { ...east.version(9), definition: 9 };
    const publication = { id, from: undefined, to, schema: RETIRED, changes: new Map() };
    expect(one.gateway.hear(publication).kind).toBe("applied");
  }
  await until(
    async () => (await cli("SCARD", "atoll:{index}:units")) === 0,
    () => "all units to leave the index",
  );
  for (const name of [EAST, WEST, MERGED]) {
    expect(await readUnit(cli, name)).toMatchObject({
      groups: new Map(),
      meta: { state: "retired" },
    });
    expect((await readChanges(cli, name)).at(-1)?.["kind"]).toBe("retired");
  }
});

test("a region that was removed for good leaves, and what is older can't bring it back", async () => {
  const [, west] = twoRegions();
  await one.untilMirrored(cli, WEST, MERGED);
  one.gateway.state.obey(forget("eu-west", 1));
  one.gateway.moved("eu-west", undefined);
  await until(
    async () => (await readUnit(cli, WEST)).meta["state"] === "forgotten",
    () => "the region to be forgotten",
  );
  await one.untilMirrored(cli, MERGED);
  const stale = new MirroredGateway({ redis: redis.address });
  try {
    west.step({ api: 9 });
    stale.gateway.hear(west.whole(4));
    await until(
      async () => (await stale.metric("steps_total")) >= 2 && stale.mirror.status.lagMs === 0,
      () => "the stale gateway to give in",
    );
    expect((await readUnit(cli, WEST)).groups.size).toBe(0);
    expect((await readUnit(cli, MERGED)).groups).toEqual(one.expected(MERGED));
  } finally {
    await stale.mirror.stop();
  }
});

test("a gateway that starts after a region was forgotten still clears what Redis has of it", async () => {
  const [, west] = twoRegions();
  await one.untilMirrored(cli, WEST);
  await until(
    async () => (await cli("SISMEMBER", "atoll:{index}:units", WEST)) === 1,
    () => "the region's unit in the index",
  );
  await one.mirror.stop();
  const next = new MirroredGateway({ redis: redis.address });
  try {
    next.gateway.state.obey(forget(west.region, 1));
    await until(
      async () => (await readUnit(cli, WEST)).meta["state"] === "forgotten",
      () => "the region to be forgotten",
    );
    expect((await readUnit(cli, WEST)).groups.size).toBe(0);
  } finally {
    await next.mirror.stop();
  }
});

test("a restored region's new life replaces the old one, and summaries it never had leave", async () => {
  const [east] = twoRegions();
  await one.untilMirrored(cli, EAST, MERGED);
  const other = { ...east.whole(3), id: { region: "us-east", summary: "other" } };
  const reborn = { ...other, to: { ...other.to, incarnation: incarnation(2, "b"), revision: 1 } };
  expect(one.gateway.hear(reborn).kind).toBe("applied");
  await until(
    async () => (await readUnit(cli, EAST)).meta["state"] === "retired",
    () => "the old life's summary to leave",
  );
  await one.untilMirrored(cli, MERGED, "other", "other@us-east");
  expect(JSON.parse((await readUnit(cli, "other")).meta["vector"] ?? "")).toMatchObject({
    "us-east": `2/${"b".repeat(32)}/2/1/1`,
  });
});

test("Redis is sent a script's source only where it doesn't have it", async () => {
  const [east] = twoRegions();
  await one.untilMirrored(cli, EAST);
  await cli("SCRIPT", "FLUSH");
  east.step({ api: 6 });
  one.gateway.hear(east.delta(3, 4));
  await one.untilMirrored(cli, EAST, MERGED);
  const stats = String(await cli("INFO", "commandstats"));
  const calls = (command: string): number =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  // This test reads by EVAL too.
  expect(calls("evalsha")).toBeGreaterThan(4);
  expect(one.mirror.status.error).toBe("");
});

test("the stream is trimmed", async () => {
  const [east] = twoRegions();
  await one.untilMirrored(cli, EAST);
  const stream = "atoll:{machines@us-east}:changes";
  const fill =
    "for i = 1, tonumber(ARGV[1]) do redis.call('XADD', KEYS[1], '*', 'filler', i) end return 0";
  await cli("EVAL", fill, "1", stream, String(MIRROR_STREAM_ENTRIES + 500));
  east.step({ api: 6 });
  one.gateway.hear(east.delta(3, 4));
  await one.untilMirrored(cli, EAST);
  // Redis drops whole nodes of a hundred entries.
  expect(Number(await cli("XLEN", stream))).toBeLessThanOrEqual(MIRROR_STREAM_ENTRIES + 100);
});
