import { expect } from "vitest";
import { holdingOf } from "../../../global/mesh/core/holding.js";
import { Trees } from "../../../global/mesh/core/trees.js";
import { MAX_TOMBSTONES_PER_SECTION } from "../../../shared/limits.js";
import type { FakeRegion } from "./fake-region.js";
import type { SimGateway } from "./sim-gateway.js";
import { expectRecovered, live } from "./trouble.js";
import { World } from "./world.js";

/** Worlds in which one thing happens, replayed by a seed; each throws where it isn't borne. */

const SUMMARY = "machines";

function begin(seed: number, regions: number, gatewaysPerRegion: number): World {
  const summaries = [SUMMARY];
  const world = new World({ seed, regions, gatewaysPerRegion, summaries, groups: 20 });
  for (const gateway of world.gateways) world.start(gateway);
  return world;
}

function cutOff(world: World, region: FakeRegion): void {
  for (const { name } of world.regions) {
    world.cut(region.name, name);
    world.cut(name, region.name);
  }
}

function gatewaysOf(world: World, region: string): SimGateway[] {
  return world.gateways.filter((gateway) => gateway.region.name === region);
}

/** Pairs of a gateway that runs and a region of whose writes it hasn't all. */
function lacking(world: World): string[] {
  return world.regions.flatMap(({ name, revision }) =>
    world.gateways
      .filter(({ alive, state }) => alive && holdingOf(state.region(name)).revision < revision)
      .map((gateway) => `${gateway.name} lacks ${name}`),
  );
}

/**
 * Links are cut, in one direction or both, and stay so: with one region that all others
 * reach, everybody has everything soon after it was written.
 */
export function partialPartition(seed: number): void {
  const world = begin(seed, 5, 1 + (seed % 2));
  for (const region of world.regions) region.write(world.nowMs, world.random);
  world.run(3_000);
  const [hub, ...others] = world.regions as [FakeRegion, ...FakeRegion[]];
  for (const a of others) {
    for (const b of others) if (a !== b && world.random.chance(0.4)) world.cut(a.name, b.name);
  }
  world.run(4_000);
  for (let round = 0; round < 5; round++) {
    for (const region of [hub, ...others]) region.write(world.nowMs, world.random);
    world.run(1_500);
    expect(lacking(world), `round ${round}`).toEqual([]);
  }
  world.heal();
  world.run(10_000);
  expectRecovered(world);
}

/**
 * A region is cut off while others forget more groups than they remember tombstones: it can't
 * be told what has changed any more, and is exact all the same when it is back.
 */
export function pastFloor(seed: number): void {
  const world = begin(seed, 3, 1 + (seed % 2));
  const [origin, , away] = world.regions as [FakeRegion, FakeRegion, FakeRegion];
  const groups = MAX_TOMBSTONES_PER_SECTION + 500;
  for (let i = 0; i < groups; i++) origin.put(world.nowMs, SUMMARY, `group-${i}`, i);
  for (const region of world.regions) region.write(world.nowMs, world.random);
  world.run(4_000);
  expect(lacking(world)).toEqual([]);
  cutOff(world, away);
  for (let i = 0; i < groups; i++) origin.put(world.nowMs, SUMMARY, `group-${i}`, undefined);
  for (const region of world.regions) region.write(world.nowMs, world.random);
  live(world, world.nowMs + 3_000);
  world.run(5_000);
  // Those who stayed can't tell it from where it stands; else this would show nothing.
  const [stayed, returning] = [origin, away].map(({ name }) => gatewaysOf(world, name)[0]);
  const id = { region: origin.name, summary: SUMMARY };
  const have = returning?.state.section(id)?.version;
  expect(stayed?.state.transferSince(id, have)?.kind).toBe("whole");
  world.heal();
  world.run(15_000);
  expectRecovered(world);
}

/**
 * A region is removed by an operator while it goes on, another is cut off that has all of it,
 * and gateways restart: nobody ever takes it up again. Its next life is taken.
 */
export function forgotten(seed: number): void {
  const world = begin(seed, 4, 2);
  const [first, gone, away] = world.regions as [FakeRegion, FakeRegion, FakeRegion];
  live(world, 12_000);
  world.run(4_000);
  cutOff(world, away);
  world.run(500);
  world.forget(gone, world.random.pick(gatewaysOf(world, first.name)));
  const rewrite = (): void => {
    gone.write(world.nowMs, world.random);
    world.at(50, rewrite);
  };
  rewrite();
  world.run(2_000);
  for (const gateway of gatewaysOf(world, first.name)) {
    world.stop(gateway);
    world.run(1_000);
    world.start(gateway);
  }
  world.heal();
  world.run(3_000);
  // Whatever is told from now on: each look must find nothing of it.
  for (let look = 0; look < 40; look++) {
    const restarted = world.random.pick(world.gateways);
    if (look % 10 === 0) world.stop(restarted);
    world.run(250);
    if (look % 10 === 0) world.start(restarted);
    if (look % 10 < 8) continue;
    const holders = world.gateways.filter(({ state }) => state.region(gone.name) !== undefined);
    expect(holders.map(({ name }) => name)).toEqual([]);
  }
  world.run(8_000);
  expectRecovered(world);
}

/** Regions in trees: five neighbourhoods of four. */
const TREE_REGIONS = 20;
const DIRECT_REGIONS = 8;
/** A way more than without trees, and a ping isn't answered with all regions at once. */
const TREE_FRESH_MS = 3_000;
/** Three neighbours, a few far origins and the sibling. */
const STREAMS_MAX = 12;

/**
 * Regions of two gateways each in trees: gateways that are parents fail, first one of a
 * region, then its other one, then one comes back; each time everybody has what is written.
 */
export function trees(seed: number): void {
  const world = new World({
    ...{ seed, regions: TREE_REGIONS, gatewaysPerRegion: 2, summaries: [SUMMARY], groups: 5 },
    ...{ names: Array.from({ length: TREE_REGIONS }, (_, i) => `r${i + 10}`) },
    oneWayMs: (from, to) => 20 + ((7 * (from + to)) % 40),
    directRegions: DIRECT_REGIONS,
  });
  for (const gateway of world.gateways) world.start(gateway);
  const expectNews = (withinMs: number, when: string): void => {
    for (const region of world.regions) {
      // A region without any gateway that runs can't be heard.
      const isHeard = gatewaysOf(world, region.name).some(({ alive }) => alive);
      if (isHeard) region.write(world.nowMs, world.random);
    }
    world.run(withinMs);
    expect(lacking(world), when).toEqual([]);
  };
  expectNews(3_000, "at first");
  expectNews(600, "when all are there");
  for (const { core, name } of world.gateways) {
    expect(core.streams.size, name).toBeLessThan(STREAMS_MAX);
  }

  // Some region far from some origin, and the head that brings it the origin's news.
  const all = world.regions.map(({ name }) => name);
  const [origin, far, head] = farWay(world, all);
  const [one, other] = shuffledPair(world, gatewaysOf(world, head));
  world.stop(one);
  expectNews(2_500, `with ${one.name} gone, a gateway of the head for ${origin}`);
  world.stop(other);
  expectNews(3_500, "with the head gone");
  world.start(one);
  world.run(2_000);
  expectNews(1_000, "with one of the head's gateways back");
  const [receiver, sibling] = shuffledPair(world, gatewaysOf(world, far));
  world.stop(receiver);
  expectNews(3_500, "with one of the receiver's gateways gone");
  world.start(receiver);
  world.start(other);
  world.stop(sibling);
  expectNews(3_500, "with the receiver's other one gone");
  world.start(sibling);
  world.run(10_000);
  expectRecovered(world, TREE_FRESH_MS);
}

/** An origin, a region that doesn't fetch from it, and the region that it fetches from instead. */
function farWay(world: World, all: readonly string[]): [string, string, string] {
  for (;;) {
    const [origin, far] = [world.random.pick(all), world.random.pick(all)];
    const head = new Trees(far, all, DIRECT_REGIONS).parent(origin, () => true);
    if (head !== origin && origin !== far) return [origin, far, head];
  }
}

function shuffledPair(world: World, pair: readonly SimGateway[]): [SimGateway, SimGateway] {
  const [a, b] = pair as [SimGateway, SimGateway];
  return world.random.chance(0.5) ? [a, b] : [b, a];
}
