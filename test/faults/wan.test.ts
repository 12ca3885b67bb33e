import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RegionFreshness, RegionStatus } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { Network } from "../wan/network.js";
import { AgeWatch } from "./age-watch.js";

/** News between regions on links with a delay, which are cut and heal; on real processes. */
const DEFINITION = `name: machines
prefix: /machines/
where: value.status == "healthy"
groupBy: [value.app]
measures:
  machines: count()
  spare: sum(value.cpu_free)
`;
const DELAY_MS = 30;
const REGIONS = ["east", "north", "west"];

const healthy = (app: string, cpuFree: number): string =>
  JSON.stringify({ app, status: "healthy", cpu_free: cpuFree });

const QUIET = "name: quiet\nprefix: /quiet/\nmeasures:\n  all: count()\n";

async function define(world: World): Promise<void> {
  for (const { endpoints } of world.regions.values()) {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION);
    await etcdctlOk(endpoints, "put", "/atoll/summaries/quiet", QUIET);
  }
}

describe("three regions with 30 ms between any two", () => {
  const network = new Network(DELAY_MS);
  let world: World;
  let west: Subscriber;
  let ages: AgeWatch;

  const write = (region: string, key: string, app: string, free: number): Promise<string> =>
    etcdctlOk(world.region(region).endpoints, "put", `/machines/${key}`, healthy(app, free));
  const path = (subscriber: Subscriber, region: string): string | undefined =>
    subscriber.regions.get(region)?.path;

  beforeAll(async () => {
    world = await startWorld({ regions: REGIONS, via: network.via });
    await define(world);
    west = new Subscriber(world.gateway("west").address.grpc, "machines");
    await west.until((s) => REGIONS.every((region) => s.regions.has(region)));
    const { endpoints } = world.region("east");
    ages = new AgeWatch("east", endpoints, world.gateway("west").address.grpc);
    ages.start();
  });
  afterAll(async () => {
    west?.close();
    await ages?.stop();
    await world?.stop();
    await network.stop();
  });

  test("a put comes directly and takes the delay", async () => {
    const beginMs = performance.now();
    await write("east", "a", "api", 8);
    await west.until((s) => s.groups.get("api")?.[1] === 8);
    expect(performance.now() - beginMs).toBeGreaterThanOrEqual(DELAY_MS);
    await west.until((s) => path(s, "east") === "direct" && path(s, "north") === "direct");
    expect(path(west, "west")).toBe("local");
  });

  test.each(["reset", "blackhole"] as const)(
    "a link that is cut (%s) is gone round by a relay, and used again when it heals",
    async (how) => {
      network.cut("east", "west", how);
      await write("east", `cut-${how}`, how, 1);
      await west.until((s) => s.groups.has(how) && path(s, "east") === "relay:north");
      await write("east", `cut-${how}`, how, 2);
      await west.until((s) => s.groups.get(how)?.[1] === 2);
      expect(path(west, "north")).toBe("direct");
      network.heal("east", "west");
      await west.until((s) => path(s, "east") === "direct");
      await write("east", `cut-${how}`, how, 3);
      await west.until((s) => s.groups.get(how)?.[1] === 3);
    },
  );

  test("a region that was cut off is marked with its age, and exact again when it is back", async () => {
    const north = new Subscriber(world.gateway("north").address.grpc, "machines");
    await north.until((s) => s.groups.get("api")?.[1] === 8);
    for (const other of ["east", "west"]) network.cut("north", other, "reset");
    await write("north", "island", "island", 5);
    await write("east", "a", "api", 9);
    await etcdctlOk(world.region("east").endpoints, "del", "/machines/cut-reset");
    await west.until((s) => s.regions.get("north")?.status === RegionStatus.UNREACHABLE);
    expect(west.regions.get("north")?.reason).not.toBe("");
    await west.until((s) => (s.regions.get("north")?.maxAgeMs ?? 0) > 1_000);
    await west.until((s) => s.groups.get("api")?.[1] === 9);
    await north.until((s) => s.groups.has("island"));
    expect(west.groups.has("island")).toBe(false);
    expect(north.groups.get("api")?.[1]).toBe(8);
    for (const other of ["east", "west"]) network.heal("north", other);
    const isExact = (s: Subscriber): boolean =>
      !s.groups.has("reset") && s.groups.get("api")?.[1] === 9 && s.groups.get("island")?.[1] === 5;
    await Promise.all([west.until(isExact), north.until(isExact)]);
    await west.until((s) => s.regions.get("north")?.status === RegionStatus.FRESH);
    north.close();
  });

  test("a consumer hears each region's freshness though nothing changes", async () => {
    const quiet = new Subscriber(world.gateway("west").address.grpc, "quiet");
    const beats = new Set<Uint8Array>();
    const heard: RegionFreshness[] = [];
    await quiet.until((s) => {
      beats.add(s.resumeToken);
      heard.push(...s.regions.values());
      return beats.size > 3;
    });
    quiet.close();
    expect(new Set(heard.map(({ region }) => region))).toEqual(new Set(REGIONS));
    const afar = heard.filter(({ region }) => region !== "west");
    for (const { maxAgeMs } of afar) expect(maxAgeMs).toBeGreaterThanOrEqual(DELAY_MS);
  });

  test("through all this no age was understated", async () => {
    const last = await ages.stop();
    expect(ages.understated).toEqual([]);
    expect(ages.answers).toBeGreaterThan(100);
    expect(ages.leastAgeMs).toBeGreaterThanOrEqual(DELAY_MS);
    await west.until((s) => s.groups.get("age-watch")?.[1] === last);
  });
});

describe("two regions whose state is in etcd", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ regions: ["east", "west"], engine: "etcd" });
    await define(world);
  });
  afterAll(async () => {
    await world?.stop();
  });

  test("a put in one is seen by a subscriber in the other", async () => {
    const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
    const { endpoints } = world.region("east");
    await etcdctlOk(endpoints, "put", "/machines/a", healthy("api", 8));
    await subscriber.until((s) => s.groups.get("api")?.[1] === 8);
    await etcdctlOk(endpoints, "del", "/machines/a");
    await subscriber.until((s) => s.groups.size === 0);
    await subscriber.until((s) => s.regions.get("east")?.status === RegionStatus.FRESH);
    subscriber.close();
  });
});
