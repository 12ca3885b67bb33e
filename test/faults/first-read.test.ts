import { afterEach, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { KV } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { FLEET_DEFINITION, Fleet } from "../bench/fleet.js";
import { residentMib } from "../bench/process-usage.js";
import { atoll } from "../peers/cli.js";
import { startWorld, type World } from "../peers/gateway.js";
import { metric } from "./metric.js";

/**
 * A gateway's first read of a region that is large, that is written all the while, and
 * whose history is compacted away as soon as it is there: on both engines. It takes
 * bounded memory, tells how far it is, and ends in what the region's state gives.
 */
const KEYS = 50_000;
const APPS = 200;
const CHANGES_PER_SECOND = 1_000;
const COMPACT_EACH_MS = 50;
/** What reading takes beside an idle gateway: 160 bytes a key are 8 MiB; the rest is what V8 lets lie. */
const MAX_MORE_MIB = 160;
const PREFIX = "atoll_global_source_";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** Compacts all history, again and again, until it is over; gives how often. */
async function compactUntil(client: EtcdClient, over: AbortSignal): Promise<number> {
  let times = 0;
  while (!over.aborted) {
    const { header } = await get(client, "/atoll/lineage");
    await client
      .unary(KV.method.compact, { revision: BigInt(header.revision) })
      .then(() => times++)
      // Nothing was written meanwhile.
      .catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, COMPACT_EACH_MS));
  }
  return times;
}

/** What a gateway shows of its first read, until it is ready. */
async function watchReading(http: string, pid: number, ready: Promise<void>) {
  const over = new AbortController();
  const watched = ready.finally(() => over.abort());
  let peakMib = 0;
  const keys: number[] = [];
  const texts: string[] = [];
  while (!over.signal.aborted) {
    peakMib = Math.max(peakMib, await residentMib(pid));
    keys.push(await metric(http, `${PREFIX}first_read_keys`));
    const answer = await fetch(`http://${http}/readyz`).catch(() => undefined);
    texts.push((await answer?.text()) ?? "");
  }
  await watched;
  return { peakMib, keys: keys.filter((count) => count > 0), texts };
}

/** How often a number is smaller than the one before. */
function drops(numbers: readonly number[]): number {
  return numbers.filter((number, index) => number < (numbers[index - 1] ?? 0)).length;
}

async function matched(grpc: string): Promise<number> {
  const client = new RpcClient(grpc);
  try {
    const { summaries } = await client.unary(GlobalService.method.summaries, { summary: "fleet" });
    return Number(summaries[0]?.matched ?? 0n);
  } finally {
    client.close();
  }
}

test.each(["etcd", "atoll"] as const)("a large first read of %s", async (engine) => {
  world = await startWorld({ regions: ["east"], engine });
  const { endpoints } = world.region("east");
  const gateway = world.gateway("east");
  const idleMib = await residentMib(gateway.child.pid);
  await gateway.child.kill();
  const fleet = new Fleet(endpoints, {
    machines: KEYS,
    apps: APPS,
    changesPerSecond: CHANGES_PER_SECOND,
  });
  const client = new EtcdClient({ endpoints });
  const over = new AbortController();
  let compacting: Promise<number> | undefined;
  try {
    await fleet.load(() => {});
    await put(client, "/atoll/summaries/fleet", FLEET_DEFINITION);
    compacting = compactUntil(client, over.signal);
    const changing = fleet.change(3);
    const ready = gateway.restart();
    const { http, grpc } = gateway.address;
    const { peakMib, keys, texts } = await watchReading(http, gateway.child.pid, ready);
    // What is compacted before the watch has begun makes it begin anew, and nothing else does.
    const begun = gateway.child.output().split('"msg":"reading the region"').length - 1;
    const compacted =
      gateway.child.output().split('"the watch\'s next revision was compacted"').length - 1;
    expect(begun).toBe(1 + compacted);
    expect(drops(keys), gateway.child.output()).toBeLessThanOrEqual(compacted);
    expect(texts.join()).toMatch(/reading the region, \d+ keys so far/);
    expect(await metric(http, `${PREFIX}first_read_expected_keys`)).toBeGreaterThanOrEqual(KEYS);
    expect(peakMib - idleMib).toBeLessThan(MAX_MORE_MIB);
    // The stream, too, bears what is compacted behind it.
    await changing;
    over.abort();
    expect(await compacting).toBeGreaterThan(5);
    expect(gateway.child.output()).toContain('"the region is read"');
    // All of it is there, and it is what the region's state gives.
    await expect.poll(() => matched(grpc), { timeout: 30_000 }).toBe(KEYS);
    const verify = (): Promise<string> =>
      atoll(world?.topologyFile ?? "", "digest", "verify", "fleet").then(({ stdout }) => stdout);
    await expect.poll(verify, { timeout: 30_000 }).toMatch(/east-g0 .* same/);
    const revision = await metric(http, `${PREFIX}revision`);
    expect(revision).toBeGreaterThan(KEYS / 100 + CHANGES_PER_SECOND);
  } finally {
    over.abort();
    await Promise.allSettled([compacting]);
    client.close();
    fleet.close();
  }
});
