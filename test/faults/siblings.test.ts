import { afterAll, beforeAll, test } from "vitest";
import { etcdctlOk } from "../peers/etcdctl.js";
import { type Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { untilEqualRoots } from "./held-roots.js";

/** Two gateways a region work side by side without a leader; either may be lost. */
const DEFINITION = `name: machines
prefix: /machines/
groupBy: [value.app]
measures:
  machines: count()
  spare: sum(value.cpu_free)
`;
const REGIONS = ["east", "west"];

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
  await untilEqualRoots(world.gateways, "machines");
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
  await untilEqualRoots(world.gateways, "machines");
});
