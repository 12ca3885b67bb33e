import { expect, test } from "vitest";
import { holdingOf } from "../../../../global/mesh/core/holding.js";
import { CLOUD_REGIONS, oneWayMs } from "../../../wan/cloud-regions.js";
import { World } from "../world.js";

/** Links between 33 regions at measured distances that are cut, each in one direction or both. */
const CUT_SHARE = 0.05;

function startWorld(seed: number): World {
  const world = new World({
    ...{ seed, regions: CLOUD_REGIONS.length, gatewaysPerRegion: 1 },
    ...{ summaries: ["machines"], groups: 5, names: CLOUD_REGIONS, oneWayMs },
  });
  for (const gateway of world.gateways) world.start(gateway);
  for (const region of world.regions) region.write(world.nowMs, world.random);
  world.run(3_000);
  return world;
}

function lacking(world: World): string[] {
  return world.regions.flatMap(({ name, revision }) =>
    world.gateways
      .filter(({ state }) => holdingOf(state.region(name)).revision < revision)
      .map(({ region }) => `${region.name} lacks ${name}`),
  );
}

test("when 5 % of the links are cut, in one direction or both, all have everything in 2 s", () => {
  const world = startWorld(11);
  expect(lacking(world)).toEqual([]);
  for (const a of CLOUD_REGIONS) {
    for (const b of CLOUD_REGIONS) {
      if (a >= b || !world.random.chance(CUT_SHARE)) continue;
      const ways = world.random.pick(["there", "back", "both"]);
      if (ways !== "back") world.cut(a, b);
      if (ways !== "there") world.cut(b, a);
    }
  }
  for (const region of world.regions) region.write(world.nowMs, world.random);
  world.run(500);
  expect(lacking(world).length).toBeGreaterThan(20);
  world.run(1_500);
  expect(lacking(world)).toEqual([]);
}, 60_000);
