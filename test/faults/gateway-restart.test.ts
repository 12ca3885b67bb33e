import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { txn } from "../../shared/etcd/kv.js";
import {
  type GetResponse,
  GlobalService,
  NoticeKind,
  type RegionFreshness,
  RegionStatus,
  type RegionsResponse,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { atoll } from "../peers/cli.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { type Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { CountingProxy } from "../wan/counting-proxy.js";

/**
 * What a gateway knows survives it: killed and started again, it serves its old view with
 * true ages, gets only what it missed, and its consumers go on where they were.
 */
const DEFINITION = `name: machines
prefix: /machines/
groupBy: [value.app]
measures:
  n: count()
  hosts: distinct(value.host)
`;
const REGIONS = ["east", "south", "west"];
const GROUPS = 3_000;
const PUTS_AT_ONCE = 100;
const WAIT_MS = 60_000;
const TEST_MS = 300_000;
const POLL_MS = 100;

// Many waits of WAIT_MS each.
vi.setConfig({ testTimeout: TEST_MS });

let world: World;
/** On the ways between regions' gateways, by who dials. */
const proxies = new Map<string, CountingProxy[]>();
const clients = new Map<string, EtcdClient>();

beforeAll(async () => {
  world = await startWorld({
    regions: REGIONS,
    via: async (from, _to, address) => {
      const proxy = await CountingProxy.start(address);
      proxies.set(from, [...(proxies.get(from) ?? []), proxy]);
      return proxy.address;
    },
  });
  for (const [region, { endpoints }] of world.regions) {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION);
    clients.set(region, new EtcdClient({ endpoints }));
  }
  for (let first = 0; first < GROUPS; first += PUTS_AT_ONCE) {
    const apps = Array.from({ length: PUTS_AT_ONCE }, (_, i) => `app-${first + i}`);
    await write("east", ...apps);
  }
  for (const region of ["south", "west"]) await write(region, `in-${region}`);
  for (const gateway of world.gateways) await settled(gateway);
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await world?.stop();
  await Promise.all([...proxies.values()].flat().map((proxy) => proxy.stop()));
});

/** Writes a machine for each app, on a host that wasn't there before. */
async function write(region: string, ...apps: string[]): Promise<void> {
  const client = clients.get(region);
  if (client === undefined) throw new Error(`there is no client of ${region}`);
  const success = apps.map((app) => {
    const value = utf8(JSON.stringify({ app, host: randomUUID() }));
    const request = {
      case: "requestPut" as const,
      value: { key: utf8(`/machines/${app}`), value },
    };
    return { request };
  });
  await txn(client, { success }, { timeoutMs: WAIT_MS });
}

async function ask<T>(gateway: Gateway, call: (client: RpcClient) => Promise<T>): Promise<T> {
  const client = new RpcClient(gateway.address.grpc);
  try {
    return await call(client);
  } finally {
    client.close();
  }
}

const get = (gateway: Gateway, key: string): Promise<GetResponse> =>
  ask(gateway, (client) =>
    client.unary(GlobalService.method.get, {
      summary: "machines",
      groups: { keys: [JSON.stringify([key])] },
    }),
  );

const regions = (gateway: Gateway): Promise<RegionsResponse> =>
  ask(gateway, (client) => client.unary(GlobalService.method.regions, {}));

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > giveUpAt) throw new Error(`not so after ${WAIT_MS} ms: ${what}`);
    await once(AbortSignal.timeout(POLL_MS), "abort");
  }
}

/** A gateway has read its own region anew and holds all others, all of them fresh. */
async function settled(gateway: Gateway): Promise<void> {
  await until(`${gateway.address.name} has all regions`, async () => {
    // What was kept of the own region is fresh for a while; this says how its source fares.
    const ready = await fetch(`http://${gateway.address.http}/readyz`);
    if ((await ready.text()) !== "ok\n") return false;
    const { regions: all } = await get(gateway, `app-${GROUPS - 1}`);
    return (
      all.length === REGIONS.length && all.every(({ status }) => status === RegionStatus.FRESH)
    );
  });
}

/** All that was learnt up to now is on its disk. */
async function saved(gateway: Gateway): Promise<void> {
  const since = performance.now();
  await until(`${gateway.address.name} has saved its view`, async () => {
    const asked = performance.now();
    const { storage } = await regions(gateway);
    return storage?.error === "" && (storage.savedAgoMs ?? Infinity) < asked - since;
  });
}

function bytesOf(region: string): number {
  return (proxies.get(region) ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Bytes that a gateway's streams from other regions take from its start to a whole fresh view. */
async function bytesToStart(gateway: Gateway): Promise<number> {
  const before = bytesOf(gateway.region);
  await gateway.restart();
  await settled(gateway);
  return bytesOf(gateway.region) - before;
}

test("a gateway that was killed gets only what it missed", async () => {
  const west = world.gateway("west");
  await west.child.kill();
  await rm(west.dataDir, { recursive: true });
  const anew = await bytesToStart(west);
  await saved(west);
  await west.child.kill();
  await write("east", "app-1");
  const again = await bytesToStart(west);
  expect((await get(west, "app-1")).groups).toHaveLength(1);
  // The whole of it is some 20 bytes a group, deflated; what was missed is one group.
  expect(anew).toBeGreaterThan(GROUPS * 5);
  expect(again).toBeLessThan(anew / 3);
  expect((await regions(west)).storage).toMatchObject({
    error: "",
    restoredSections: 3n,
    dropped: 0n,
  });
});

test("consumers go on where they were, at the gateway that was killed and at another one", async () => {
  const west = world.gateway("west");
  const first = new Subscriber(west.address.grpc, "machines");
  await first.until((s) => s.complete && s.groups.size === GROUPS + 2);
  // Its own region has the last word before the kill: it can't have saved all of that, nor may
  // its peers have heard it.
  for (let round = 0; round < 10; round++) {
    await write("west", `own-${round}`);
    await first.until((s) => s.groups.has(`own-${round}`));
  }
  const token = first.resumeToken;
  await west.child.kill();
  first.close();
  await write("east", "news");
  await write("west", "meanwhile");
  await west.restart();
  for (const gateway of [west, world.gateway("south")]) {
    const again = new Subscriber(gateway.address.grpc, "machines", token);
    await again.until((s) => s.complete && s.groups.has("news") && s.groups.has("meanwhile"));
    // It may have to wait for what the consumer has seen, and say so; nothing begins anew.
    expect(again.notices.filter(({ kind }) => kind !== NoticeKind.BEHIND)).toEqual([]);
    // Only what is newer came, or as new: not the thousands that it has.
    expect(again.groups.size).toBeLessThan(20);
    again.close();
  }
});

test("with nobody to ask it serves its old view, no younger than it is", async () => {
  const west = world.gateway("west");
  await write("east", "last-words");
  await until(
    "the west has the last words",
    async () => (await get(west, "last-words")).groups.length === 1,
  );
  const others = world.gateways.filter((gateway) => gateway !== west);
  await saved(west);
  await Promise.all(others.map((gateway) => gateway.child.kill()));
  const cutAt = performance.now();
  await west.child.kill();
  await once(AbortSignal.timeout(1_500), "abort");
  await west.restart();
  const asked = performance.now();
  const { groups, regions: all } = await get(west, "last-words");
  expect(groups).toHaveLength(1);
  for (const name of ["east", "south"]) {
    const { status, maxAgeMs } = all.find(({ region }) => region === name) as RegionFreshness;
    expect(status).toBe(RegionStatus.UNREACHABLE);
    expect(maxAgeMs).toBeGreaterThanOrEqual(asked - cutAt);
    expect(maxAgeMs).toBeLessThan(asked - cutAt + 60_000);
  }
  const contract = { maxStalenessMs: 1_000 };
  await expect(
    ask(west, (client) =>
      client.unary(GlobalService.method.get, { summary: "machines", contract }),
    ),
  ).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  await Promise.all(others.map((gateway) => gateway.restart()));
  for (const gateway of world.gateways) await settled(gateway);
});

test("also when its own region is gone: it is ready, and says how old all of it is", async () => {
  const [west, store] = [world.gateway("west"), world.region("west")];
  await saved(west);
  await west.child.kill();
  await store.child(0).kill();
  await west.restart();
  const { groups, regions: all } = await get(west, "in-west");
  expect(groups).toHaveLength(1);
  expect(all.find(({ region }) => region === "west")).toMatchObject({
    status: RegionStatus.UNREACHABLE,
    maxAgeMs: expect.any(Number),
  });
  const status = await atoll(world.topologyFile, "status", "-o", "json");
  expect(status.stdout).toMatch(/"restoredSections": 3/);
  await store.restart(0);
  await settled(west);
});

test("two gateways on one data directory: the second one says so and ends", async () => {
  const west = world.gateway("west");
  const second = await west.twin();
  await second.exited;
  expect(second.exitCode).toBe(1);
  expect(second.output()).toMatch(/in use by another process; a gateway needs one of its own/);
  await settled(west);
});

test("a region that was removed for good stays so when all gateways were gone", async () => {
  for (const what of [world.region("south").child(0), world.gateway("south").child])
    await what.kill();
  const done = await atoll(world.topologyFile, ...["region", "forget", "south", "--yes"]);
  expect(done.stderr).toBe("");
  const left = ["east", "west"].map((region) => world.gateway(region));
  await Promise.all(left.map((gateway) => gateway.child.kill()));
  await Promise.all(left.map((gateway) => gateway.restart()));
  for (const gateway of left) {
    const { groups } = await get(gateway, "in-south");
    expect(groups).toEqual([]);
  }
});
