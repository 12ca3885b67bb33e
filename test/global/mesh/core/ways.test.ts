import { expect, test } from "vitest";
import { holdingOf } from "../../../../global/mesh/core/holding.js";
import type { SimGateway } from "../sim-gateway.js";
import { World } from "../world.js";

/**
 * How news get round what is broken. Each world writes all the time, so a gateway
 * that gets no news of a region falls behind at once.
 */

function startWorld(
  regions: number,
  gatewaysPerRegion: number,
  oneWayMs?: (from: number, to: number) => number,
): World {
  const world = new World({
    ...{ seed: 7, regions, gatewaysPerRegion, summaries: ["machines"], groups: 10 },
    ...(oneWayMs === undefined ? {} : { oneWayMs }),
  });
  for (const gateway of world.gateways) world.start(gateway);
  const write = (): void => {
    world.random.pick(world.regions).write(world.nowMs, world.random);
    world.at(10, write);
  };
  world.at(0, write);
  world.run(5_000);
  return world;
}

function named(world: World, name: string): SimGateway {
  const gateway = world.gateways.find((candidate) => candidate.name === name);
  if (gateway === undefined) throw new Error(`there is no ${name}`);
  return gateway;
}

function ageOf(world: World, gateway: SimGateway, region: string): number {
  const { ageMs } = gateway.now(world.nowMs);
  return gateway.core.book.ageMs(region, ageMs) ?? Number.POSITIVE_INFINITY;
}

function wayOf(world: World, gateway: SimGateway, region: string): string {
  return gateway.core.book.path(region, gateway.now(world.nowMs).ageMs).join(">");
}

function cutBoth(world: World, a: string, b: string): void {
  world.cut(a, b);
  world.cut(b, a);
}

test("a link that hangs is gone round by a third region, and used again when it heals", () => {
  const world = startWorld(3, 1);
  const gateway = named(world, "r0-g0");
  for (let i = 0; i < 40; i++) {
    // A third region that only mentions the news is no way for them.
    world.run(50);
    expect(wayOf(world, gateway, "r2")).toBe("r0>r2");
  }
  cutBoth(world, "r0", "r2");
  world.run(2_500);
  expect(wayOf(world, gateway, "r2")).toBe("r0>r1>r2");
  expect(wayOf(world, named(world, "r2-g0"), "r0")).toBe("r2>r1>r0");
  for (let i = 0; i < 40; i++) {
    world.run(250);
    expect(ageOf(world, gateway, "r2")).toBeLessThan(1_000);
  }
  world.heal();
  world.run(8_000);
  expect(wayOf(world, gateway, "r2")).toBe("r0>r2");
});

test.each([
  ["news", "r2", "r0"],
  ["pings", "r0", "r2"],
])("a link that is cut in one direction only, that of %s, is gone round as well", (_, from, to) => {
  const world = startWorld(3, 1);
  world.cut(from, to);
  world.run(2_500);
  const gateway = named(world, "r0-g0");
  expect(wayOf(world, gateway, "r2")).toBe("r0>r1>r2");
  for (let i = 0; i < 20; i++) {
    world.run(250);
    expect(ageOf(world, gateway, "r2")).toBeLessThan(1_000);
  }
});

test("of a partition that leaves nothing but a chain, news go along all of it", () => {
  const world = startWorld(4, 1);
  for (const [a, b] of [
    ["r0", "r2"],
    ["r0", "r3"],
    ["r1", "r3"],
  ] as const) {
    cutBoth(world, a, b);
  }
  world.run(6_000);
  const gateway = named(world, "r0-g0");
  expect(wayOf(world, gateway, "r3")).toBe("r0>r1>r2>r3");
  expect(ageOf(world, gateway, "r3")).toBeLessThan(2_000);
});

test("a third region that is the faster way is taken, and left when it fails", () => {
  const far = (from: number, to: number): number => (Math.abs(from - to) === 2 ? 100 : 30);
  const world = startWorld(3, 1, far);
  const gateway = named(world, "r0-g0");
  expect(wayOf(world, gateway, "r2")).toBe("r0>r1>r2");
  expect(wayOf(world, named(world, "r2-g0"), "r0")).toBe("r2>r1>r0");
  expect(wayOf(world, gateway, "r1")).toBe("r0>r1");
  expect(gateway.core.rttMs("r2")).toBeGreaterThan(199);
  world.stop(named(world, "r1-g0"));
  world.run(500);
  expect(wayOf(world, gateway, "r2")).toBe("r0>r2");
  world.run(5_000);
  expect(ageOf(world, gateway, "r2")).toBeLessThan(1_000);
  world.start(named(world, "r1-g0"));
  world.run(8_000);
  expect(wayOf(world, gateway, "r2")).toBe("r0>r1>r2");
});

test("with several gateways a region, those with no way of their own get news from siblings", () => {
  const world = startWorld(3, 2);
  cutBoth(world, "r0", "r2");
  world.run(6_000);
  for (const name of ["r0-g0", "r0-g1"]) {
    const gateway = named(world, name);
    expect(wayOf(world, gateway, "r2")).toMatch(/^r0>(r0>)?r1>(r1>)?r2$/);
    expect(ageOf(world, gateway, "r2"), name).toBeLessThan(1_500);
  }
});

test("one gateway of a region fetches each other region, and shares", () => {
  const world = startWorld(4, 3);
  for (const region of world.regions) {
    const own = world.gateways.filter((gateway) => gateway.region === region);
    for (const other of world.regions) {
      if (other === region) continue;
      const fetching = own.filter((gateway) =>
        [...gateway.core.links.values()].some(
          (link) => link.state === "up" && link.region === other.name,
        ),
      );
      expect(fetching, `${region.name} from ${other.name}`).toHaveLength(1);
    }
  }
});

test("a sibling takes over what a killed gateway fetched", () => {
  const world = startWorld(2, 2);
  const fetching = world.gateways.find(
    (gateway) => gateway.region.name === "r0" && wayOf(world, gateway, "r1") === "r0>r1",
  ) as SimGateway;
  const other = world.gateways.find(
    (gateway) => gateway.region.name === "r0" && gateway !== fetching,
  ) as SimGateway;
  expect(wayOf(world, other, "r1")).toBe("r0>r0>r1");
  world.stop(fetching);
  world.run(2_000);
  expect(wayOf(world, other, "r1")).toMatch(/^r0>(r1>)?r1$/);
  expect(ageOf(world, other, "r1")).toBeLessThan(1_000);
});

test("another gateway of the origin is dialled when the one in use is killed", () => {
  const world = startWorld(2, 2);
  const gateway = named(world, "r0-g0");
  for (const victim of ["r1-g0", "r1-g1"]) {
    world.stop(named(world, victim));
    world.run(3_000);
    expect(ageOf(world, gateway, "r1"), `without ${victim}`).toBeLessThan(1_000);
    world.start(named(world, victim));
    world.run(3_000);
  }
});

test("a gateway whose own source stalls gets its region from a sibling", () => {
  const world = startWorld(2, 2);
  const gateway = named(world, "r0-g0");
  gateway.isolatedAt = gateway.region.revision;
  world.run(6_000);
  expect(wayOf(world, gateway, "r0")).toBe("r0>r0");
  expect(ageOf(world, gateway, "r0")).toBeLessThan(1_000);
});

test("a gateway that is alone with a stalled source keeps its state, and says how old it is", () => {
  const world = startWorld(2, 1);
  const gateway = named(world, "r0-g0");
  const { revision } = holdingOf(gateway.state.region("r0"));
  gateway.isolatedAt = gateway.region.revision;
  world.run(10_000);
  expect(holdingOf(gateway.state.region("r0")).revision).toBeGreaterThanOrEqual(revision);
  expect(ageOf(world, gateway, "r0")).toBeGreaterThan(9_500);
  expect(wayOf(world, gateway, "r0")).toBe("");
  expect(ageOf(world, named(world, "r1-g0"), "r0")).toBeGreaterThan(9_500);
});

test("a restarted gateway has nothing, asks for whole sections, and knows ages again", () => {
  const world = startWorld(3, 1);
  const gateway = named(world, "r1-g0");
  world.stop(gateway);
  world.run(3_000);
  world.start(gateway);
  expect(ageOf(world, gateway, "r0")).toBe(Number.POSITIVE_INFINITY);
  world.run(3_000);
  for (const { name } of world.regions) {
    expect(ageOf(world, gateway, name), name).toBeLessThan(1_000);
  }
});

test("pushes are coalesced: at most one each 50 ms a stream, whatever the rate of writes", () => {
  const world = startWorld(2, 1);
  const before = world.traffic.frames;
  const write = (): void => {
    (world.regions[0] as (typeof world.regions)[0]).write(world.nowMs, world.random);
    world.at(1, write);
  };
  world.at(0, write);
  world.run(10_000);
  // Two streams: 20 pushes a second each at most, with 4 answers to pings and 1 vector.
  expect(world.traffic.frames - before).toBeLessThanOrEqual(2 * 10 * 25);
  expect(ageOf(world, named(world, "r1-g0"), "r0")).toBeLessThan(500);
});

test("the round trip to a region is known to all gateways, whichever of them has the stream", () => {
  const world = startWorld(2, 3);
  world.run(5_000);
  for (const gateway of world.gateways) {
    const other = gateway.region.name === "r0" ? "r1" : "r0";
    // 20 to 30 ms each way, plus what a gateway takes to answer.
    expect(gateway.core.rttMs(other), gateway.name).toBeGreaterThan(40);
    expect(gateway.core.rttMs(other), gateway.name).toBeLessThan(200);
  }
});

test("a gateway that isn't known any more is left only once another of its region talks", () => {
  const world = startWorld(2, 1);
  const [first, receiver] = [named(world, "r1-g0"), named(world, "r0-g0")];
  const talking = (): string[] =>
    [...receiver.core.streams].flatMap(({ state, region, address }) =>
      state === "up" && region === "r1" ? [address] : [],
    );
  expect(talking()).toEqual([first.address]);
  const next = world.join(first.region);
  world.leave(first, 30_000);
  for (let i = 0; i < 600; i++) {
    world.run(10);
    expect(talking()).not.toEqual([]);
    expect(ageOf(world, receiver, "r1")).toBeLessThan(1_000);
  }
  expect(talking()).toEqual([next.address]);
  expect([...receiver.core.links.keys()]).not.toContain(first.address);
});
