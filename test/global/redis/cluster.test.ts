import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisCluster } from "../../peers/redis-cluster.js";
import { History } from "../digest/model.js";
import { MirroredGateway, readUnit, until } from "./mirrored.js";

/** A real Redis Cluster of three masters: units are spread over them, each in one slot. */
let cluster: RedisCluster;
let one: MirroredGateway;
const histories: History[] = [];
const NAMES: string[] = ["machines"];
const cli = (...args: readonly string[]): Promise<unknown> => cluster.cli(...args);

beforeAll(async () => {
  cluster = await RedisCluster.start();
  one = new MirroredGateway({ "redis-cluster": cluster.addresses });
  for (let i = 0; i < 8; i++) {
    const history = new History(`region-${i}`);
    history.step({ api: i, web: 1 });
    one.gateway.hear(history.whole(3));
    histories.push(history);
    NAMES.push(`machines@region-${i}`);
  }
});
afterAll(async () => {
  await one?.mirror.stop();
  await cluster?.stop();
});

function change(n: number): void {
  for (const history of histories) {
    history.step({ api: n });
    one.gateway.hear(history.delta(history.last - 1, history.last));
  }
}

test("units are on every node, and hold what Get answers", async () => {
  await one.untilMirrored(cli, ...NAMES);
  change(5);
  await one.untilMirrored(cli, ...NAMES);
  for (const node of cluster.nodes) {
    expect(Number(await node.cli("DBSIZE"))).toBeGreaterThan(0);
  }
  expect(one.mirror.status.error).toBe("");
});

test("a node that has lost its data is written again, though nothing changes", async () => {
  await one.untilMirrored(cli, ...NAMES);
  const doomed = cluster.nodes[1];
  await doomed?.cli("FLUSHALL");
  await one.untilMirrored(cli, ...NAMES);
});

test("units on other nodes go on while one is away, and all are there when it is back", async () => {
  await one.untilMirrored(cli, ...NAMES);
  const doomed = cluster.nodes[2];
  await doomed?.child.kill();
  change(6);
  const mirrored = async (): Promise<number> => {
    const read = await Promise.all(
      NAMES.map(async (name) => {
        const { meta } = await readUnit(cli, name).catch(() => ({
          meta: {} as Record<string, string>,
        }));
        return (meta["vector"] ?? "").includes("/5");
      }),
    );
    return read.filter(Boolean).length;
  };
  await until(
    async () => (await mirrored()) > 0,
    () => "units on the other nodes to be written",
  );
  await doomed?.restart();
  await cluster.ready();
  await one.untilMirrored(cli, ...NAMES);
  await until(
    () => one.mirror.status.error === "" && one.mirror.status.lagMs === 0,
    () => "all to be well",
  );
});
