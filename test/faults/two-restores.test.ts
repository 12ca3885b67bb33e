import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GlobalService, RegionStatus } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import type { Topology, TopologyGateway } from "../../shared/topology.js";
import { atoll } from "../peers/cli.js";
import { type EtcdCluster, startEtcd } from "../peers/etcd.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { flags } from "../peers/exec.js";
import { Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";

/**
 * etcd's own backups: a cluster that was restored by `etcdctl snapshot restore` and whose
 * revision has overtaken the lost one's is refused, loudly, until an operator says what it
 * is; two that were restored from one backup are a conflict, and never merged.
 */
const DEFINITION =
  "name: machines\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n  n: count()\n";
const WAIT = { timeout: 60_000, interval: 200 };

let folder: string;
let backup: string;
let world: World;
let original: EtcdCluster;
const restored: EtcdCluster[] = [];
const gateways: Gateway[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-restores-"));
  backup = join(folder, "backup.db");
  original = await startEtcd({ members: 1 });
  world = await startWorld({
    regions: ["east", "west"],
    gateways: 2,
    engine: "etcd",
    stores: new Map([["east", original]]),
  });
  await world.gateway("east", 1).child.kill();
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.stop();
  await world?.stop();
  for (const store of restored) await store.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a record; gives the store's revision. */
async function write({ endpoints }: EtcdCluster, app: string): Promise<number> {
  const value = JSON.stringify({ app });
  const answer = await etcdctlOk(endpoints, "put", `/machines/${app}`, value, "-w", "json");
  return (JSON.parse(answer) as { header: { revision: number } }).header.revision;
}

async function groupsInWest(): Promise<string[]> {
  const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
  try {
    await subscriber.until(({ complete }) => complete);
    return [...subscriber.groups.keys()].sort();
  } finally {
    subscriber.close();
  }
}

/** What the west says of the east. */
async function eastInWest(): Promise<{ status: string; revision: number }> {
  const client = new RpcClient(world.gateway("west").address.grpc);
  try {
    const { regions } = await client.unary(GlobalService.method.regions, {});
    const east = regions.find(({ freshness }) => freshness?.region === "east")?.freshness;
    const revision = Number(east?.version?.revision ?? 0n);
    return { status: RegionStatus[east?.status ?? 0] ?? "", revision };
  } finally {
    client.close();
  }
}

async function restore(name: string): Promise<EtcdCluster> {
  const dataDir = join(folder, name);
  const settings = flags({
    "data-dir": join(dataDir, "etcd-0"),
    name: "etcd-0",
    "initial-cluster": "etcd-0=http://127.0.0.1:1",
    "initial-advertise-peer-urls": "http://127.0.0.1:1",
  });
  await etcdctlOk([], "snapshot", "restore", backup, ...settings);
  const store = await startEtcd({ members: 1, dataDir });
  restored.push(store);
  return store;
}

/** East's gateway of a number, on a store. */
function launch(index: number, store: EtcdCluster): Gateway {
  const { address } = world.gateway("east", index);
  const peers = world.gateways.map(({ region, address: { grpc } }) => `${region}=${grpc}`).join();
  const places = { endpoints: store.endpoints.join(), peers };
  const keys = flags({ trust: world.keys.trust, "signing-key": world.keys.signingKey("east") });
  const gateway = new Gateway("east", address, join(folder, `gateway-${index}`), places, keys);
  gateways.push(gateway);
  // It isn't ready while its store is refused.
  gateway.start().catch(() => {});
  return gateway;
}

/** A topology whose east is this store and these gateways. */
async function topologyOf(
  name: string,
  store: EtcdCluster,
  east: readonly TopologyGateway[],
  others: Topology["regions"] = world.topology.regions.filter((region) => region.name !== "east"),
): Promise<string> {
  const members = store.members.map(({ name: member, client, peer }) => {
    return { name: member, client, peer, http: client };
  });
  const file = join(folder, `${name}.json`);
  const regions = [{ name: "east", members, gateways: east }, ...others];
  await writeFile(file, JSON.stringify({ regions }));
  return file;
}

function readyzOf(gateway: Gateway): Promise<string> {
  return fetch(`http://${gateway.address.http}/readyz`)
    .then((answer) => answer.text())
    .catch(() => "");
}

/** Has the east backed up, and lost with what came after; gives its last revision. */
async function loseEast(): Promise<number> {
  await etcdctlOk(original.endpoints, "put", "/atoll/summaries/machines", DEFINITION);
  await write(original, "kept");
  await etcdctlOk(original.endpoints, "snapshot", "save", backup);
  const revision = await write(original, "lost");
  await expect.poll(groupsInWest, WAIT).toEqual(["kept", "lost"]);
  // The lineage key goes on each second: what the west knows of it is lost, too.
  const known = async (): Promise<number> => (await eastInWest()).revision;
  await expect.poll(known, WAIT).toBeGreaterThan(revision + 2);
  await world.gateway("east").child.kill();
  await original.stop();
  return revision;
}

const RAISE = ["region", "restore-epoch", "raise", "east", "--yes"] as const;

test("a restored store is refused, and still when its revision has overtaken the lost one's", async () => {
  const seenRevision = await loseEast();
  const store = await restore("first");
  const gateway = launch(0, store);
  await expect.poll(() => readyzOf(gateway), WAIT).toMatch(/went back/);
  for (let revision = 0; revision <= seenRevision + 10; ) revision = await write(store, "after");
  // By its lineage alone now.
  await expect.poll(() => readyzOf(gateway), WAIT).toMatch(/lineage/);
  const command = "atoll region restore-epoch raise east";
  expect(await readyzOf(gateway)).toContain(`if that is right, run ${command}`);
  const topology = await topologyOf("first", store, [gateway.address]);
  expect((await atoll(topology, "status")).stdout).toContain(`run ${command}`);
  expect(gateway.child.output()).toContain("the region is refused");
  expect(await groupsInWest()).toEqual(["kept", "lost"]);
  const raised = await atoll(topology, ...RAISE);
  expect(raised.stderr).toBe("");
  await expect.poll(groupsInWest, WAIT).toEqual(["after", "kept"]);
  await expect.poll(() => readyzOf(gateway), WAIT).toBe("ok\n");
});

test("a second restore of the same backup is a conflict, never a merge, until one is adopted", async () => {
  const store = await restore("second");
  await write(store, "other");
  // An operator who reaches no gateway takes this one to be the only restore.
  const alone = await topologyOf("alone", store, [], []);
  const raised = await atoll(alone, ...RAISE, "-o", "json");
  const { nonce } = JSON.parse(raised.stdout) as { nonce: string };
  expect(JSON.parse(raised.stdout)).toMatchObject({ counter: 2 });
  const second = launch(1, store);
  const told = async (): Promise<boolean> => {
    const { status } = await eastInWest();
    return status === "CONFLICT" || (await readyzOf(second)).includes("two restores of one backup");
  };
  await expect.poll(told, WAIT).toBe(true);
  for (let look = 0; look < 10; look++) expect(await groupsInWest()).toEqual(["after", "kept"]);
  const topology = await topologyOf("second", store, [second.address]);
  const operator = ["--operator-key", world.keys.operatorKey] as const;
  const adopted = await atoll(topology, "region", "adopt", "east", nonce, "--yes", ...operator);
  expect(adopted.stderr).toBe("");
  await expect.poll(groupsInWest, WAIT).toEqual(["kept", "other"]);
  // What was decided against is refused from now on.
  const first = gateways[0] as Gateway;
  await expect.poll(() => readyzOf(first), WAIT).toMatch(/two restores of one backup/);
  await write(store, "later");
  await expect.poll(groupsInWest, WAIT).toEqual(["kept", "later", "other"]);
  expect((await eastInWest()).status).not.toBe("CONFLICT");
});
