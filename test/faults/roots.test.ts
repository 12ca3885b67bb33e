import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { prefixQuery, put, range, txn } from "../../shared/etcd/kv.js";
import { GlobalService, type SummaryState } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { seededRandom } from "../../shared/random.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { atoll } from "../peers/cli.js";
import { type Engine, startWorld, type World } from "../peers/gateway.js";

/**
 * What a section contains is a function of the region's state at a revision, not of
 * the way there: gateways that lived through all changes, through the later half after a
 * restart, and through none after a fresh read have one root, which the command line
 * works out anew from the region's state. Deletions and a change of definition are among
 * the changes. On both engines.
 */
const ENGINES: readonly (readonly [Engine, number])[] = [
  ["atoll", 100_000],
  ["etcd", 20_000],
];
/** Changes of one transaction, and transactions at once; a few changes come by themselves. */
const TXN_CHANGES = 50;
const WRITERS = 16;
const SINGLE_CHANGES = 1_000;
const KEYS = 5_000;
const APPS = 200;
const HOSTS = 1_000;
const SETTLE_MS = 90_000;

/** A summary with a measure of every kind. */
const definition = (where: string): string => `name: machines
prefix: /machines/
where: ${where}
groupBy: [value.app]
measures:
  machines: count()
  spare: sum(value.cpu_free)
  fastest: min(value.p99_ms)
  slowest: max(value.p99_ms)
  hosts: distinct(value.host)
  latency: quantiles(value.p99_ms)
  worst: any(value.status)
  newest: latest(value.host)
  busiest: latest(value.host, by=value.p99_ms)
  places: set(value.host, limit=8)
  crowded: top(value.host, k=3)
  roomy: top(value.host, k=3, weight=value.cpu_free)
`;

const random = seededRandom(2);

function record(): Uint8Array {
  const value = {
    app: `app-${random.int(APPS)}`,
    host: `host-${random.int(HOSTS)}`,
    status: random.chance(0.8) ? "healthy" : "degraded",
    cpu_free: random.int(64),
    p99_ms: random.int(10_000) / 100,
  };
  return utf8(JSON.stringify(value));
}

/** Changes of so many different keys; some are deletions. */
function changes(count: number) {
  const keys = new Set<string>();
  while (keys.size < count) keys.add(`/machines/${random.int(KEYS)}`);
  return [...keys].map((text) => {
    const key = utf8(text);
    const put = { case: "requestPut" as const, value: { key, value: record() } };
    const deletion = { case: "requestDeleteRange" as const, value: { key } };
    return { request: random.chance(0.15) ? deletion : put };
  });
}

describe.each(ENGINES)("on %s, after %i changes", (engine, count) => {
  let world: World;
  let client: EtcdClient;
  beforeAll(async () => {
    world = await startWorld({ regions: ["east"], members: 1, gateways: 2, engine });
    client = new EtcdClient({ endpoints: world.region("east").endpoints });
  });
  afterAll(async () => {
    client?.close();
    await world?.stop();
  });

  async function change(total: number): Promise<void> {
    let left = total;
    const writer = async (): Promise<void> => {
      while (left > 0) {
        const size = left <= SINGLE_CHANGES / 2 ? 1 : TXN_CHANGES;
        left -= size;
        await txn(client, { success: changes(size) });
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  }

  async function define(where: string): Promise<number> {
    return (await put(client, "/atoll/summaries/machines", definition(where))).revision;
  }

  async function stateOf(gateway: number): Promise<SummaryState | undefined> {
    const rpc = new RpcClient(world.gateway("east", gateway).address.grpc);
    try {
      const request = { summary: "machines", regions: ["east"] };
      return (await rpc.unary(GlobalService.method.summaries, request)).summaries[0];
    } finally {
      rpc.close();
    }
  }

  /** Both gateways' state, once they publish the definition and have every record. */
  async function settled(modRevision: number): Promise<(SummaryState | undefined)[]> {
    const { count: matched } = await range(client, {
      ...prefixQuery("/machines/"),
      countOnly: true,
    });
    expect(matched).toBeGreaterThan(1_000);
    const whole = { modRevision: BigInt(modRevision), refolding: false, matched: BigInt(matched) };
    const states = (): Promise<(SummaryState | undefined)[]> =>
      Promise.all([stateOf(0).catch(() => undefined), stateOf(1).catch(() => undefined)]);
    await expect.poll(states, { timeout: SETTLE_MS }).toMatchObject([whole, whole]);
    return states();
  }

  async function haveOneRoot(modRevision: number): Promise<void> {
    const [first, second] = await settled(modRevision);
    expect(first?.root).toMatch(/^[0-9a-f]{64}$/);
    expect(second?.root).toBe(first?.root);
    expect(second?.groups).toBe(first?.groups);
    // Roots stand for a revision; the region's moves each second, and so do they.
    const verified = async (): Promise<string> =>
      (await atoll(world.topologyFile, "digest", "verify", "machines")).stdout;
    await expect
      .poll(verified, { timeout: SETTLE_MS })
      .toMatch(/east-g0 .* same\s[^]*east-g1 .* same\s/);
  }

  test("gateways of all pasts have one root, and it is that of the region's state", async () => {
    await define('value.status == "healthy"');
    await change(count / 2);
    await world.gateway("east", 1).child.kill();
    await world.gateway("east", 1).restart();
    const second = await define('value.status != "gone"');
    await change(count / 2);
    await haveOneRoot(second);
    await world.gateway("east", 1).child.kill();
    await world.gateway("east", 1).restart();
    await haveOneRoot(second);
  });
});
