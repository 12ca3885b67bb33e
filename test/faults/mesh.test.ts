import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { deleteRange, put } from "../../shared/etcd/kv.js";
import { atoll } from "../peers/cli.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { distanceMs } from "../wan/cloud-regions.js";
import { Network } from "../wan/network.js";
import { heldRoots, untilEqualRoots } from "./held-roots.js";
import { eventually } from "./metric.js";

/**
 * Regions as far from each other as in the world, on real processes: one that joins, links
 * that are cut in one direction, partitions of some and of one, and a region that is removed.
 */
const DEFINITION = `name: machines
prefix: /machines/
groupBy: [value.app]
measures:
  machines: count()
  newest: max(value.n)
`;
const AFRICA = "af-south-1";
const SYDNEY = "ap-southeast-2";
const IRELAND = "eu-west-1";
const VIRGINIA = "us-east-1";
/** Begins when the others run, of whom only one was told where it is. */
const LATE = "sa-east-1";
const EARLY = [AFRICA, SYDNEY, IRELAND, VIRGINIA];
const REGIONS = [...EARLY, LATE];

const network = new Network(distanceMs);
const clients = new Map<string, EtcdClient>();
const subscribers = new Map<string, Subscriber>();
let world: World;

function client(region: string): EtcdClient {
  let known = clients.get(region);
  known ??= new EtcdClient({ endpoints: world.region(region).endpoints });
  clients.set(region, known);
  return known;
}

function subscriber(region: string): Subscriber {
  let known = subscribers.get(region);
  known ??= new Subscriber(world.gateway(region).address.grpc, "machines");
  subscribers.set(region, known);
  return known;
}

let lastNumber = 0;

/** Writes a region's machine anew; gives what every subscriber is to show. */
async function write(region: string): Promise<(subscriber: Subscriber) => boolean> {
  const n = ++lastNumber;
  await put(client(region), `/machines/${region}`, JSON.stringify({ app: region, n }));
  return ({ groups }) => groups.get(region)?.[1] === n;
}

async function allShow(
  at: readonly string[],
  isShown: readonly ((subscriber: Subscriber) => boolean)[],
): Promise<void> {
  await Promise.all(
    at.map((region) => subscriber(region).until((s) => isShown.every((is) => is(s)))),
  );
}

/** Every region writes, and all of them come to show all of it. */
async function expectAllConverge(regions: readonly string[]): Promise<void> {
  await allShow(regions, await Promise.all(regions.map(write)));
}

const path = (at: string, of: string): string | undefined => subscriber(at).regions.get(of)?.path;

beforeAll(async () => {
  world = await startWorld({
    regions: REGIONS,
    late: [LATE],
    via: async (from, to, address) =>
      to === LATE && from !== IRELAND ? undefined : network.via(from, to, address),
  });
  for (const region of REGIONS) await put(client(region), "/atoll/summaries/machines", DEFINITION);
});
afterAll(async () => {
  for (const each of subscribers.values()) each.close();
  for (const each of clients.values()) each.close();
  await world?.stop();
  await network.stop();
});

test("puts in all regions come to all others", async () => {
  await expectAllConverge(EARLY);
  await untilEqualRoots(
    EARLY.map((region) => world.gateway(region)),
    "machines",
  );
});

test("a region that begins later joins, though only one gateway was told where it is", async () => {
  await world.gateway(LATE).start();
  await expectAllConverge(REGIONS);
  await subscriber(SYDNEY).until(() => path(SYDNEY, LATE) === `relay:${IRELAND}`);
  await subscriber(IRELAND).until(() => path(IRELAND, LATE) === "direct");
  await untilEqualRoots(world.gateways, "machines");
});

test("a link that carries one direction only is gone round for both", async () => {
  network.mute(VIRGINIA, IRELAND);
  await expectAllConverge(REGIONS);
  await subscriber(IRELAND).until(() => path(IRELAND, VIRGINIA)?.startsWith("relay:") === true);
  // It still hears Ireland, but has no answers to its pings: nothing tells how old that is.
  await subscriber(VIRGINIA).until(() => path(VIRGINIA, IRELAND)?.startsWith("relay:") === true);
  await expectAllConverge(REGIONS);
  network.heal(VIRGINIA, IRELAND);
  await subscriber(IRELAND).until(() => path(IRELAND, VIRGINIA) === "direct");
  await subscriber(VIRGINIA).until(() => path(VIRGINIA, IRELAND) === "direct");
});

test("two sides of a partition that one region can reach hear of each other by it", async () => {
  const cut = [AFRICA, IRELAND].flatMap((a) => [SYDNEY, LATE].map((b) => [a, b] as const));
  for (const [a, b] of cut) network.cut(a, b, a === AFRICA ? "blackhole" : "reset");
  await expectAllConverge(EARLY);
  await subscriber(AFRICA).until(() => path(AFRICA, SYDNEY) === `relay:${VIRGINIA}`);
  await subscriber(SYDNEY).until(() => path(SYDNEY, IRELAND) === `relay:${VIRGINIA}`);
  for (const [a, b] of cut) network.heal(a, b);
  await expectAllConverge(REGIONS);
  await subscriber(SYDNEY).until(() => path(SYDNEY, IRELAND) === "direct");
});

test("a region that was alone is exact when it is back, whatever was removed meanwhile", async () => {
  const others = REGIONS.filter((region) => region !== AFRICA);
  for (const other of others) network.cut(AFRICA, other, "blackhole");
  const island = await write(AFRICA);
  await deleteRange(client(SYDNEY), `/machines/${SYDNEY}`);
  const isGone = ({ groups }: Subscriber): boolean => !groups.has(SYDNEY);
  await allShow(others, [isGone, await write(IRELAND)]);
  // A gateway that starts anew can't tell what was removed before.
  await world.gateway(SYDNEY).stop();
  subscribers.get(SYDNEY)?.close();
  subscribers.delete(SYDNEY);
  await world.gateway(SYDNEY).start();
  const ireland = await write(IRELAND);
  await allShow(others, [isGone, ireland]);
  await allShow([AFRICA], [island]);
  expect(subscriber(AFRICA).groups.has(SYDNEY)).toBe(true);
  expect(ireland(subscriber(AFRICA))).toBe(false);
  for (const other of others) network.heal(AFRICA, other);
  await allShow(REGIONS, [island, ireland, isGone]);
  await untilEqualRoots(world.gateways, "machines");
});

test("a region that was removed stays so, though its gateway talks on and all others restart", async () => {
  const order = await atoll(world.topologyFile, "region", "forget", LATE, "--yes");
  expect(order.stderr).toBe("");
  const isForgotten = async (region: string): Promise<boolean> =>
    !(await heldRoots(world.gateway(region), "machines")).has(LATE);
  const rest = EARLY;
  for (const region of rest) {
    await eventually(() => isForgotten(region), `${region} has forgotten ${LATE}`);
  }
  for (const region of rest) {
    await world.gateway(region).stop();
    subscribers.get(region)?.close();
    subscribers.delete(region);
    await world.gateway(region).start();
    await write(LATE);
    await expectAllConverge(rest);
    for (const each of rest) expect(await isForgotten(each), each).toBe(true);
  }
});
