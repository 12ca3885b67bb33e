import { afterEach, beforeEach, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../../peers/redis.js";
import { groupKey, History } from "../digest/model.js";
import { type Cli, MirroredGateway, readUnit, until } from "./mirrored.js";

/** Redis stops, hangs, and loses what it had; the gateway goes on, and all is there again. */
const EAST = "machines@us-east";
const MERGED = "machines";

let redis: RedisServer;
let cli: Cli;
let one: MirroredGateway;
let east: History;

beforeEach(async () => {
  redis = await startRedis();
  cli = (...args) => redis.cli(...args);
  one = new MirroredGateway({ redis: redis.address });
  east = new History("us-east");
  east.step({ api: 3, web: 1 });
  one.gateway.hear(east.whole(east.last));
  await one.untilMirrored(cli, EAST, MERGED);
});
afterEach(async () => {
  await one.mirror.stop();
  await redis.stop();
});

function change(groups: Record<string, number | undefined>): void {
  east.step(groups);
  one.gateway.hear(east.delta(east.last - 1, east.last));
}

test("what a flush took is written again, though nothing changes", async () => {
  await cli("FLUSHALL");
  await one.untilMirrored(cli, EAST, MERGED);
  await until(
    async () => (await cli("SCARD", "atoll:{index}:units")) === 2,
    () => "the index to be written again",
  );
  expect(await one.metric("resyncs_total")).toBe(2);
});

test("after a restart without data everything is written again, with what came in between", async () => {
  await redis.child.kill();
  await until(
    () => !one.mirror.status.isConnected,
    () => "the loss to be noticed",
  );
  change({ api: 8, web: undefined });
  await until(
    () => one.mirror.status.lagMs > 0,
    () => "a lag",
  );
  expect(one.mirror.status.error).not.toBe("");
  await redis.restart();
  await one.untilMirrored(cli, EAST, MERGED);
  expect((await readUnit(cli, MERGED)).groups.has(groupKey("web"))).toBe(false);
  await until(
    () => one.mirror.status.lagMs === 0 && one.mirror.status.error === "",
    () => "all to be well",
  );
  expect(await one.metric("outages_total")).toBe(1);
});

test("a gateway that starts before its Redis does waits for it", async () => {
  await redis.child.kill();
  const early = new MirroredGateway({ redis: redis.address });
  try {
    early.gateway.hear(east.whole(east.last));
    await until(
      () => early.mirror.status.error.includes("ECONNREFUSED"),
      () => "the reason to be told",
    );
    expect(early.logged.join()).toContain(redis.address);
    await redis.restart();
    await early.untilMirrored(cli, EAST, MERGED);
  } finally {
    await early.mirror.stop();
  }
});

test("a Redis that hangs is given up and taken up again; changes are kept by name only", async () => {
  redis.child.signal("SIGSTOP");
  const units = one.mirror.status.units;
  for (let i = 0; i < 200; i++) {
    change({ api: i % 9, [`g${i}`]: 1 });
    await new Promise(setImmediate);
  }
  await until(
    () => !one.mirror.status.isConnected,
    () => "the hang to count as a loss",
  );
  expect(one.mirror.status).toMatchObject({
    units,
    error: expect.stringMatching(/timed out|lost/),
  });
  redis.child.signal("SIGCONT");
  await one.untilMirrored(cli, EAST, MERGED);
  // Neither as many writes as changes, nor one of a state before the last.
  expect(Number((await readUnit(cli, EAST)).meta["change"])).toBeLessThan(20);
});

test("a stop while Redis hangs is soon over", async () => {
  redis.child.signal("SIGSTOP");
  change({ api: 1 });
  const startMs = performance.now();
  await one.mirror.stop();
  expect(performance.now() - startMs).toBeLessThan(4_000);
});

test("groups that somebody deleted are written again", async () => {
  await cli("HDEL", `atoll:{${EAST}}:groups`, groupKey("api"));
  await one.untilMirrored(cli, EAST);
  await cli("DEL", `atoll:{${MERGED}}:groups`);
  await one.untilMirrored(cli, MERGED);
});

test("a key of another type is told by name, and harms no other unit", async () => {
  await cli("DEL", `atoll:{${EAST}}:groups`);
  await cli("SET", `atoll:{${EAST}}:groups`, "somebody's own");
  change({ api: 7 });
  await one.untilMirrored(cli, MERGED);
  await until(
    () => one.mirror.status.error.includes("WRONGTYPE"),
    () => "the error to be told",
  );
  expect(one.mirror.status.error).toContain(EAST);
  await cli("DEL", `atoll:{${EAST}}:groups`);
  await one.untilMirrored(cli, EAST);
  await until(
    () => one.mirror.status.error === "",
    () => "the error to be taken back",
  );
});

test("a Redis without memory left refuses, which is told, and is written to when it has some", async () => {
  await cli("CONFIG", "SET", "maxmemory", "1");
  change({ api: 7 });
  await until(
    () => one.mirror.status.error.includes("OOM"),
    () => "the error to be told",
  );
  await cli("CONFIG", "SET", "maxmemory", "0");
  await one.untilMirrored(cli, EAST, MERGED);
});
