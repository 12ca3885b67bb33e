import { expect, test } from "vitest";
import { holdingOf } from "../../../../global/mesh/core/holding.js";
import { Trees } from "../../../../global/mesh/core/trees.js";
import { MESH_RECONNECT_MAX_MS } from "../../../../shared/limits.js";
import type { SimGateway } from "../sim-gateway.js";
import { World } from "../world.js";

/** More regions than can all fetch from each other: what the trees bring, and what when they break. */

const REGIONS = 70;
const STREAMS_MAX = 40;

function startWorld(): World {
  const world = new World({
    ...{ seed: 3, regions: REGIONS, gatewaysPerRegion: 1, summaries: ["machines"], groups: 5 },
    ...{ names: Array.from({ length: REGIONS }, (_, i) => `r${i + 10}`) },
    oneWayMs: (from, to) => 20 + ((7 * (from + to)) % 40),
  });
  for (const gateway of world.gateways) world.start(gateway);
  for (const region of world.regions) region.write(world.nowMs, world.random);
  world.run(2_500);
  return world;
}

function at(world: World, region: string): SimGateway {
  return world.gateways.find((gateway) => gateway.region.name === region) as SimGateway;
}

function isFetching({ core }: SimGateway, origin: string): boolean {
  const links = [...core.links.values()].filter(({ region }) => region === origin);
  return links.some(({ state }) => state === "up");
}

/** Regions that haven't all of an origin's writes. */
function lacking(world: World, origin: string): string[] {
  const { revision } = at(world, origin).region;
  return world.gateways
    .filter(({ alive }) => alive)
    .filter(({ state }) => holdingOf(state.region(origin)).revision < revision)
    .map(({ region }) => region.name);
}

test("trees bring each change to everybody once, and mend themselves when a head or a way fails", () => {
  const world = startWorld();
  for (const { core } of world.gateways) {
    const up = [...core.links.values()].filter(({ state }) => state === "up");
    expect(up.length).toBeLessThan(STREAMS_MAX);
  }
  for (const { name } of world.regions) expect(lacking(world, name), name).toEqual([]);

  const origin = "r10";
  const chunks = world.traffic.chunks;
  at(world, origin).region.write(world.nowMs, world.random);
  world.run(500);
  expect(lacking(world, origin)).toEqual([]);
  expect(world.traffic.chunks - chunks).toBe(REGIONS - 1);

  // A region far from the origin, and the head that brings it the origin's news.
  const regions = world.regions.map(({ name }) => name);
  const far = "r79";
  const head = new Trees(far, regions).parent(origin, () => true);
  expect(head).not.toBe(origin);
  world.stop(at(world, head));
  at(world, origin).region.write(world.nowMs, world.random);
  world.run(2_000);
  expect(lacking(world, origin)).toEqual([]);

  // One of the others has taken over, and only one.
  world.run(1_000);
  const trees = new Trees(far, regions);
  const next = trees.parent(origin, (region) => region !== head);
  const near = [far, ...(trees.neighbours() ?? [])];
  const fetching = (): string[] => {
    const alive = near.map((region) => at(world, region)).filter((gateway) => gateway.alive);
    return alive.filter((one) => isFetching(one, origin)).map(({ region }) => region.name);
  };
  const heir = next === origin ? far : next;
  expect(fetching()).toEqual([heir]);

  // It hears nothing from the origin, which hears it.
  world.cut(origin, heir);
  at(world, origin).region.write(world.nowMs, world.random);
  world.run(3_000);
  expect(lacking(world, origin)).toEqual([]);

  // The first head comes back, and is the only one again once all have dialled it, and what
  // stood in for it has lingered for its 2 s.
  world.heal();
  world.start(at(world, head));
  world.run(MESH_RECONNECT_MAX_MS + 2_500);
  expect(fetching()).toEqual([head]);
  expect(lacking(world, origin)).toEqual([]);
}, 240_000);
