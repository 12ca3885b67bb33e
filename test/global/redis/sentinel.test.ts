import { afterAll, beforeAll, expect, test } from "vitest";
import { redisCli } from "../../peers/redis-cli.js";
import { RedisWithSentinel } from "../../peers/redis-sentinel.js";
import { History } from "../digest/model.js";
import { MirroredGateway, until } from "./mirrored.js";

/** A real sentinel replaces a lost master; the mirror goes on at the next one. */
let redis: RedisWithSentinel;
let one: MirroredGateway;

beforeAll(async () => {
  redis = await RedisWithSentinel.start();
  one = new MirroredGateway({
    "redis-sentinel": `127.0.0.1:${redis.port}`,
    "redis-master": redis.master,
  });
});
afterAll(async () => {
  await one?.mirror.stop();
  await redis?.stop();
});

test("the view is mirrored to the master, and to the next one when it is lost", async () => {
  const east = new History("us-east");
  east.step({ api: 1, web: 2 });
  one.gateway.hear(east.whole(3));
  const first = await redis.masterPort();
  const names = ["machines", "machines@us-east"];
  await one.untilMirrored((...args) => redisCli(first, ...args), ...names);
  await redis.servers.find(({ port }) => port === first)?.child.kill();
  east.step({ api: 4 });
  one.gateway.hear(east.delta(3, 4));
  await until(
    async () => (await redis.masterPort()) !== first,
    () => "the sentinel to name another master",
  );
  const second = await redis.masterPort();
  await one.untilMirrored((...args) => redisCli(second, ...args), ...names);
  expect(one.mirror.status.isConnected).toBe(true);
});
