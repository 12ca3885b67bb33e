import { describe, expect, test } from "vitest";
import { sectionKey } from "../../../global/digest/section.js";
import { holdingOf } from "../../../global/mesh/core/holding.js";
import { type SimGateway, World } from "./world.js";

/**
 * Worlds of several gateways with loss, partitions, restarts and stalls, one seed each.
 * At all times no age is below the true one; once faults end, all gateways hold all
 * regions' sections at their last revisions, with equal roots.
 */

function roots(gateway: SimGateway): string[] {
  return gateway.state
    .claims()
    .map(({ id, version, root }) => {
      const hex = Buffer.from(root, "latin1").toString("hex").slice(0, 16);
      return `${sectionKey(id)} ${version.revision} ${hex}`;
    })
    .sort();
}

function checkAges(world: World): number {
  let known = 0;
  for (const gateway of world.gateways) {
    if (!gateway.alive) continue;
    for (const region of world.regions) {
      const age = gateway.core.book.ageMs(region.name, gateway.now(world.nowMs).ageMs);
      if (age === undefined) continue;
      known++;
      const { revision, sections } = holdingOf(gateway.state.region(region.name));
      const trueAge = world.nowMs - region.supersededAtMs(revision);
      // Checked a hundred thousand times in a world: `expect` would take most of its time.
      if (sections !== region.summaries.length || age < trueAge) {
        const text = `${age} ms for ${trueAge}, with ${sections} sections`;
        throw new Error(`${gateway.name} understates the age of ${region.name}: ${text}`);
      }
    }
  }
  return known;
}

function faults(world: World): void {
  const { random } = world;
  const kind = random.int(6);
  const a = random.pick(world.regions).name;
  const b = random.pick(world.regions).name;
  if (kind === 0) world.cut(a, b);
  else if (kind === 1) {
    world.cut(a, b);
    world.cut(b, a);
  } else if (kind === 2) world.reset(a, b);
  else if (kind === 3) world.heal();
  else if (kind === 4) {
    const gateway = random.pick(world.gateways);
    if (gateway.alive) world.stop(gateway);
    else world.start(gateway);
  } else {
    const gateway = random.pick(world.gateways);
    gateway.sourceStalled = !gateway.sourceStalled;
  }
}

function live(world: World, untilMs: number): void {
  const { random } = world;
  const write = (): void => {
    if (world.nowMs >= untilMs) return;
    random.pick(world.regions).write(world.nowMs, random);
    world.at(random.int(40), write);
  };
  const check = (): void => {
    checkAges(world);
    world.at(73, check);
  };
  world.at(0, write);
  world.at(0, check);
}

function expectConverged(world: World): void {
  const expected = world.regions.flatMap(({ name, summaries, revision }) =>
    summaries.map((summary) => `${name}\n${summary} ${revision}`),
  );
  const first = roots(world.gateways[0] as SimGateway);
  expect(first.map((line) => line.slice(0, line.lastIndexOf(" "))).sort()).toEqual(expected.sort());
  for (const gateway of world.gateways) expect(roots(gateway), gateway.name).toEqual(first);
}

describe("seeded worlds", () => {
  test.each(Array.from({ length: 12 }, (_, i) => i + 1))("seed %i", (seed) => {
    const world = new World({
      seed,
      regions: 2 + (seed % 4),
      gatewaysPerRegion: 1 + (seed % 3),
      summaries: ["machines", "volumes"],
      groups: 40,
    });
    for (const gateway of world.gateways) world.start(gateway);
    live(world, 30_000);
    for (let step = 0; step < 30; step++) {
      world.run(1_000);
      if (step > 2 && world.random.chance(0.6)) faults(world);
    }
    world.heal();
    for (const gateway of world.gateways) {
      gateway.sourceStalled = false;
      if (!gateway.alive) world.start(gateway);
    }
    world.run(20_000);
    expectConverged(world);
    expect(checkAges(world)).toBe(world.gateways.length * world.regions.length);
    for (const gateway of world.gateways) {
      for (const region of world.regions) {
        const age = gateway.core.book.ageMs(region.name, gateway.now(world.nowMs).ageMs);
        expect(age, `${gateway.name} of ${region.name}`).toBeLessThan(1_500);
      }
    }
    const refused = world.events.filter(({ event }) => event.kind === "refused");
    expect(refused).toEqual([]);
  });
});
