import { afterAll, beforeAll, expect, test } from "vitest";
import { readUnit, until } from "../global/redis/mirrored.js";
import { httpOk } from "../peers/child.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { exec } from "../peers/exec.js";
import { startWorld, type World } from "../peers/gateway.js";
import { REPOSITORY_ROOT } from "../peers/paths.js";
import { type RedisServer, startRedis } from "../peers/redis.js";

/** Real regions, two gateways each, one Redis that all of them write to, and redis-cli as consumer. */
const DEFINITION = `name: machines
prefix: /machines/
groupBy: [value.app]
measures:
  machines: count()
  hosts: distinct(value.host)
`;
const REGIONS = ["east", "west"];
const API = '["api"]';

let world: World;
let redis: RedisServer;
const cli = (...args: readonly string[]): Promise<unknown> => redis.cli(...args);

beforeAll(async () => {
  redis = await startRedis();
  world = await startWorld({
    regions: REGIONS,
    gateways: 2,
    gatewayArgs: ["--redis", `redis://${redis.address}`],
  });
  for (const { endpoints } of world.regions.values()) {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION);
  }
});
afterAll(async () => {
  await world?.stop();
  await redis?.stop();
});

async function put(region: string, machine: string): Promise<void> {
  const value = JSON.stringify({ app: "api", host: machine });
  await etcdctlOk(world.region(region).endpoints, "put", `/machines/${machine}`, value);
}

async function machines(unit: string): Promise<unknown> {
  const { groups } = await readUnit(cli, unit).catch(() => ({ groups: new Map() }));
  return (groups.get(API) as { machines?: number } | undefined)?.machines;
}

async function untilMachines(unit: string, count: number): Promise<void> {
  await until(
    async () => (await machines(unit)) === count,
    () => `${unit} to have ${count} machines in Redis`,
  );
}

async function status(): Promise<string> {
  const cliMain = `${REPOSITORY_ROOT}/dist/deploy/cli/main.js`;
  const words = [cliMain, "status", "--topology", world.topologyFile];
  const { stdout, stderr } = await exec(process.execPath, words);
  return stdout + stderr;
}

test("what is put in two regions is in Redis, by region and merged", async () => {
  for (let i = 0; i < 3; i++) await put("east", `east-${i}`);
  for (let i = 0; i < 2; i++) await put("west", `west-${i}`);
  await untilMachines("machines@east", 3);
  await untilMachines("machines@west", 2);
  await untilMachines("machines", 5);
  await until(
    async () => (await status()).includes("mirrored to Redis"),
    () => "atoll status to tell of the mirror",
  );
});

test("gateways stay healthy while Redis is away, and write again when it is back", async () => {
  await redis.child.kill();
  await put("east", "while-away");
  const urls = world.gateways.map(({ address }) => `http://${address.http}`);
  await until(
    async () => (await status()).includes("mirror down"),
    () => "atoll status to say that the mirror is down",
  );
  for (const url of urls) {
    expect(await httpOk(`${url}/health`)).toBe(true);
    expect(await httpOk(`${url}/readyz`)).toBe(true);
    const isTold = (body: string): boolean => /redis_connected\{[^}]*\} 0/.test(body);
    await until(
      () => httpOk(`${url}/metrics`, isTold),
      () => "the metrics to tell of the outage",
    );
  }
  await redis.restart();
  await untilMachines("machines@east", 4);
  await untilMachines("machines", 6);
});

test("either gateway of each region may be lost", async () => {
  for (const region of REGIONS) await world.gateway(region, 0).child.kill();
  await put("east", "one-more");
  await put("west", "one-more");
  await untilMachines("machines", 8);
});
