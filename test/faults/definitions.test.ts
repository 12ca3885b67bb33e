import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { deleteRange, put, txn } from "../../shared/etcd/kv.js";
import { MAX_GROUPS_PER_SECTION } from "../../shared/limits.js";
import { atoll } from "../peers/cli.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";

/**
 * What becomes of definitions on real processes, one region of our own members and one of
 * etcd's: a changed one is folded beside the one that is published, and takes its place at
 * once when it is whole and all regions have it; one that asks for too much is refused,
 * says so, and comes back when there is less.
 */
const KEYS = 4_000;
const TXN_KEYS = 100;
const WRITERS = 8;
const APPS = 20;
/** Of the machines, how many are healthy. */
const HEALTHY = KEYS / 4;
const WAIT = { timeout: 60_000, interval: 250 };

/** Counts all machines, or the healthy ones. */
const definition = (name: string, where: string, groupBy = "value.app"): string =>
  `name: ${name}\nprefix: /machines/\n${where}groupBy: [${groupBy}]\nmeasures:\n  n: count()\n`;
const ALL = definition("machines", "");
const ONLY_HEALTHY = definition("machines", 'where: value.status == "healthy"\n');

let folder: string;
let world: World;
let clients: ReadonlyMap<string, EtcdClient>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-definitions-"));
  world = await startWorld({
    regions: ["east", "west"],
    engine: (region) => (region === "west" ? "etcd" : "atoll"),
  });
  const made = [...world.regions].map(([name, { endpoints }]) => {
    return [name, new EtcdClient({ endpoints })] as const;
  });
  clients = new Map(made);
});
afterAll(async () => {
  for (const client of clients?.values() ?? []) client.close();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

function clientOf(region: string): EtcdClient {
  const client = clients.get(region);
  if (client === undefined) throw new Error(`there is no region ${region}`);
  return client;
}

/** Writes a key for each of so many numbers, a hundred at once. */
async function writeAll(
  region: string,
  count: number,
  record: (n: number) => readonly [key: string, value: string],
): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      const first = next;
      next = Math.min(count, first + TXN_KEYS);
      const success = Array.from({ length: next - first }, (_, i) => {
        const [key, value] = record(first + i);
        const request = { key: utf8(key), value: utf8(value) };
        return { request: { case: "requestPut" as const, value: request } };
      });
      await txn(clientOf(region), { success });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Machine n, in whatever app the round gives it: how many there are never changes. */
function machine(n: number, round: number): readonly [string, string] {
  const status = n < HEALTHY ? "healthy" : "degraded";
  return [`/machines/${n}`, JSON.stringify({ app: `app-${(n + round) % APPS}`, status })];
}

/** How many machines a subscriber's groups have together. */
function total({ groups }: Subscriber): number {
  return [...groups.values()].reduce((sum, [n]) => sum + (n ?? 0), 0);
}

test("a changed definition takes the old one's place at once, when all regions have it", async () => {
  for (const region of ["east", "west"]) {
    await put(clientOf(region), "/atoll/summaries/machines", ALL);
    await writeAll(region, KEYS, (n) => machine(n, 0));
  }
  const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
  try {
    await subscriber.until((s) => total(s) === 2 * KEYS, WAIT.timeout);
    // Machines move from app to app all the while; each transaction is one revision.
    const over = new AbortController();
    const moving = (async (): Promise<void> => {
      for (let round = 1; !over.signal.aborted; round++) {
        await writeAll("east", KEYS, (n) => machine(n, round));
      }
    })();
    const totals = new Set<number>();
    const noted = subscriber.until((s) => {
      totals.add(total(s));
      return total(s) === 2 * HEALTHY;
    }, WAIT.timeout);
    noted.catch(() => {});
    await put(clientOf("east"), "/atoll/summaries/machines", ONLY_HEALTHY);
    const merged = async (): Promise<unknown> => {
      const { stdout } = await atoll(world.topologyFile, "digest", "get", "machines", "-o", "json");
      return (JSON.parse(stdout) as { otherDefinition: unknown }).otherDefinition;
    };
    // The view stays with the definition of both, and names who is ahead.
    await expect.poll(merged, WAIT).toEqual(["east"]);
    expect(totals).toEqual(new Set([2 * KEYS]));
    await put(clientOf("west"), "/atoll/summaries/machines", ONLY_HEALTHY);
    await noted;
    over.abort();
    await moving;
    await expect.poll(merged, WAIT).toEqual([]);
    expect(totals).toEqual(new Set([2 * KEYS, 2 * HEALTHY]));
  } finally {
    subscriber.close();
  }
});

test("a summary that asks for too much is refused and says so, until there is less", async () => {
  const tooMany = MAX_GROUPS_PER_SECTION + 50;
  await writeAll("east", tooMany, (n) => [`/hosts/${n}`, "{}"]);
  const file = join(folder, "hosts.yaml");
  const hosts = definition("hosts", "", "key").replace("/machines/", "/hosts/");
  await writeFile(file, hosts);
  const apply = ["summary", "apply", "-f", file, "--region", "east"] as const;
  expect((await atoll(world.topologyFile, ...apply)).stderr).toBe("");
  const told = async (...words: string[]): Promise<string> =>
    (await atoll(world.topologyFile, ...words)).stdout;
  const refusal = /hosts.*more than 100,?000 groups/;
  await expect.poll(() => told("summary", "list"), WAIT).toMatch(refusal);
  expect(await told("status")).toMatch(refusal);
  // The others go on beside it.
  expect(await told("digest", "get", "machines")).toContain("app-0");
  await deleteRange(clientOf("east"), "/hosts/1", { end: "/hosts/2" });
  await expect.poll(() => told("summary", "list"), WAIT).toMatch(/hosts .*published/);
  expect(await told("status")).not.toMatch(refusal);
  const verified = (): Promise<string> => told("digest", "verify", "hosts", "--region", "east");
  await expect.poll(verified, WAIT).toMatch(/west-g0 .*same/);
});
