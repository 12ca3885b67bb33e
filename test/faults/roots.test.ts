import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { deleteRange, prefixQuery, put, range } from "../../shared/etcd/kv.js";
import { GlobalService, type SummaryState } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { seededRandom } from "../../shared/random.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { startWorld, type World } from "../peers/gateway.js";

/**
 * What a section contains is a function of the region's state at a revision, not of
 * the way there: a gateway that starts from a fresh read has the same root as one that
 * lived through 100,000 changes, deletions and a change of definition among them.
 */
const CHANGES = 100_000;
const WRITERS = 64;
const KEYS = 5_000;
const APPS = 200;
const HOSTS = 1_000;

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

let world: World;
let client: EtcdClient;

beforeAll(async () => {
  world = await startWorld({ regions: ["east"], members: 1, gateways: 2 });
  client = new EtcdClient({ endpoints: world.region("east").endpoints });
});
afterAll(async () => {
  client?.close();
  await world?.stop();
});

async function stateOf(gateway: number): Promise<SummaryState | undefined> {
  const rpc = new RpcClient(world.gateway("east", gateway).address.grpc);
  try {
    const answer = await rpc.unary(GlobalService.method.summaries, {
      summary: "machines",
      regions: ["east"],
    });
    return answer.summaries[0];
  } finally {
    rpc.close();
  }
}

/** Resolves with both gateways' state once they publish the definition and agree on how many keys match. */
async function settled(modRevision: bigint, matched: bigint): Promise<SummaryState[]> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const states = await Promise.all([stateOf(0), stateOf(1)]);
    const done = states.every(
      (state) =>
        state?.modRevision === modRevision && !state.refolding && state.matched === matched,
    );
    if (done) return states as SummaryState[];
    if (Date.now() > deadline)
      throw new Error(
        `not settled: ${states.map((s) => `${s?.matched} at ${s?.modRevision}`).join(", ")}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("a fresh gateway has the root of one that lived through it all", async () => {
  await put(client, "/atoll/summaries/machines", definition('value.status == "healthy"'));
  const random = seededRandom(2);
  let second = 0;
  const change = async (): Promise<void> => {
    const key = `/machines/${random.int(KEYS)}`;
    if (random.chance(0.15)) {
      await deleteRange(client, key);
      return;
    }
    const value = {
      app: `app-${random.int(APPS)}`,
      host: `host-${random.int(HOSTS)}`,
      status: random.chance(0.8) ? "healthy" : "degraded",
      cpu_free: random.int(64),
      p99_ms: random.int(10_000) / 100,
    };
    await put(client, key, JSON.stringify(value));
  };
  let left = CHANGES;
  const writer = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await change();
      if (left === CHANGES / 2) {
        second = (
          await put(client, "/atoll/summaries/machines", definition('value.status != "gone"'))
        ).revision;
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  const all = await range(client, { ...prefixQuery("/machines/"), countOnly: true });
  await world.gateway("east", 1).child.kill();
  await world.gateway("east", 1).restart();
  const [lived, fresh] = await settled(BigInt(second), BigInt(all.count));
  expect(all.count).toBeGreaterThan(1_000);
  expect(fresh?.root).toMatch(/^[0-9a-f]{64}$/);
  expect(fresh?.root).toBe(lived?.root);
  expect(fresh?.groups).toBe(lived?.groups);
});
