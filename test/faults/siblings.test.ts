import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { type Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";

/** Two gateways a region work side by side without a leader; either may be lost. */
const DEFINITION = `name: machines
prefix: /machines/
groupBy: [value.app]
measures:
  machines: count()
  spare: sum(value.cpu_free)
`;
const REGIONS = ["east", "west"];
const POLL_MS = 100;
const WAIT_MS = 30_000;

let world: World;

const write = (region: string, key: string, app: string, free: number): Promise<string> =>
  etcdctlOk(
    world.region(region).endpoints,
    "put",
    `/machines/${key}`,
    JSON.stringify({ app, cpu_free: free }),
  );
const follow = (gateway: Gateway): Subscriber => new Subscriber(gateway.address.grpc, "machines");

beforeAll(async () => {
  world = await startWorld({ regions: REGIONS, gateways: 2 });
  for (const { endpoints } of world.regions.values()) {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION);
  }
});
afterAll(async () => {
  await world?.stop();
});

/** The roots that a gateway holds, one a region. */
async function rootsOf(gateway: Gateway): Promise<string> {
  const client = new RpcClient(gateway.address.grpc);
  try {
    const { summaries } = await client.unary(GlobalService.method.summaries, {
      summary: "machines",
    });
    return summaries.map(({ region, root }) => `${region} ${root}`).join();
  } finally {
    client.close();
  }
}

async function expectEqualRoots(): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  for (;;) {
    const roots = await Promise.all(world.gateways.map(rootsOf));
    if (new Set(roots).size === 1) return;
    if (Date.now() > giveUpAt) expect(new Set(roots)).toEqual(new Set([roots[0]]));
    await once(AbortSignal.timeout(POLL_MS), "abort");
  }
}

test("all gateways come to hold the same, whichever of them fetched it", async () => {
  for (const region of REGIONS) {
    for (let i = 0; i < 5; i++) await write(region, `${region}-${i}`, `app-${i % 3}`, i);
  }
  const followers = world.gateways.map(follow);
  await Promise.all(followers.map((f) => f.until((s) => s.groups.get("app-0")?.[0] === 4)));
  for (const follower of followers) {
    await follower.until((s) => REGIONS.every((region) => s.regions.has(region)));
    follower.close();
  }
  await expectEqualRoots();
});

test.each([0, 1])("gateway %i of a region may be lost", async (lost) => {
  const doomed = world.gateway("east", lost);
  const sibling = follow(world.gateway("east", 1 - lost));
  const abroad = [0, 1].map((index) => follow(world.gateway("west", index)));
  const everybody = [sibling, ...abroad];
  await Promise.all(everybody.map((f) => f.until((s) => s.groups.get("app-0")?.[0] === 4)));
  await doomed.child.kill();
  await write("east", "from-east", `lost-${lost}`, 7);
  await write("west", "from-west", `lost-${lost}`, 5);
  await Promise.all(everybody.map((f) => f.until((s) => s.groups.get(`lost-${lost}`)?.[1] === 12)));
  for (const follower of everybody) follower.close();
  await doomed.restart();
  await expectEqualRoots();
});
