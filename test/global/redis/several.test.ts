import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../../peers/redis.js";
import { groupKey, History } from "../digest/model.js";
import { type Cli, MirroredGateway, readUnit, until } from "./mirrored.js";

/** Several gateways write to one Redis at once; any of them may stop, or fall behind. */
const EAST = "machines@us-east";
const WEST = "machines@eu-west";
const MERGED = "machines";

let redis: RedisServer;
let cli: Cli;
let gateways: MirroredGateway[];
let histories: Record<"us-east" | "eu-west", History>;

beforeAll(async () => {
  redis = await startRedis();
  cli = (...args) => redis.cli(...args);
});
afterAll(() => redis?.stop());
beforeEach(async () => {
  await cli("FLUSHALL");
  gateways = [0, 1, 2].map(() => new MirroredGateway({ redis: redis.address }));
  histories = { "us-east": new History("us-east"), "eu-west": new History("eu-west") };
  for (const history of Object.values(histories)) {
    history.step({ api: 1, web: 2 });
    for (const { gateway } of gateways) gateway.hear(history.whole(3));
  }
  await gateways[0]?.untilMirrored(cli, EAST, WEST, MERGED);
});
afterEach(async () => {
  await Promise.all(gateways.map(({ mirror }) => mirror.stop()));
});

/** A change of a region's `api`, heard by some gateways. */
function change(region: "us-east" | "eu-west", n: number, hearers: readonly number[]): void {
  const history = histories[region];
  history.step({ api: n });
  for (const i of hearers) gateways[i]?.gateway.hear(history.whole(history.last));
}

async function machines(): Promise<unknown> {
  const { groups } = await readUnit(cli, MERGED);
  return (groups.get(groupKey("api")) as { machines?: number } | undefined)?.machines;
}

test("gateways that hear of changes in different order come to one end, with few writes", async () => {
  for (let n = 2; n < 9; n++) {
    change("us-east", n, [n % 3, (n + 1) % 3]);
    change("eu-west", n, [(n + 2) % 3]);
    await new Promise(setImmediate);
  }
  for (const history of Object.values(histories)) {
    for (const { gateway } of gateways) gateway.hear(history.whole(history.last));
  }
  for (const gateway of gateways) await gateway.untilMirrored(cli, EAST, WEST, MERGED);
  expect(await machines()).toBe(16);
  expect(gateways.map(({ mirror }) => mirror.status.error)).toEqual(["", "", ""]);
});

test("when the last writer is gone, another writes the next change soon", async () => {
  change("us-east", 5, [0, 1, 2]);
  await gateways[0]?.untilMirrored(cli, MERGED);
  const { writer = "" } = (await readUnit(cli, MERGED)).meta;
  await until(
    async () => {
      await Promise.all(gateways.splice(0, 2).map(({ mirror }) => mirror.stop()));
      return true;
    },
    () => "two gateways to stop",
  );
  const survivor = gateways[0] as MirroredGateway;
  histories["us-east"].step({ api: 6 });
  survivor.gateway.hear(histories["us-east"].whole(histories["us-east"].last));
  await survivor.untilMirrored(cli, EAST, WEST, MERGED);
  expect(writer).not.toBe("");
});

test("a writer that is left behind in one region gives way to one that isn't", async () => {
  // Gateway 0 goes on with us-east, and hears no more of eu-west; gateway 1 always has
  // us-east a little later than 0, so that it never stands past what 0 has written.
  await Promise.all(gateways.splice(2).map(({ mirror }) => mirror.stop()));
  change("us-east", 2, [0]);
  await gateways[0]?.untilMirrored(cli, MERGED);
  change("eu-west", 7, [1]);
  const late: number[] = [];
  const over = new AbortController();
  const running = (async () => {
    for (let n = 3; !over.signal.aborted; n = n === 9 ? 3 : n + 1) {
      change("us-east", n, [0]);
      late.push(histories["us-east"].last);
      await new Promise((resolve) => setTimeout(resolve, 40));
      const last = late[late.length - 3];
      if (last !== undefined) gateways[1]?.gateway.hear(histories["us-east"].whole(last));
    }
  })();
  const westOf = async (): Promise<unknown> =>
    JSON.parse((await readUnit(cli, MERGED)).meta["vector"] ?? "{}")["eu-west"];
  await until(
    async () => String(await westOf()).endsWith("/4"),
    () => "eu-west to be brought forward",
  );
  over.abort();
  await running;
});
