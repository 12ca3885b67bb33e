import { describe, expect, test } from "vitest";
import { sectionKey } from "../../../global/digest/section.js";
import { holdingOf } from "../../../global/mesh/core/holding.js";
import { BUGS, type Bug } from "./planted-bugs.js";
import type { SimGateway } from "./sim-gateway.js";
import { World } from "./world.js";

/**
 * Worlds of several gateways, one seed each: loss, partitions, restarts, asymmetric delay,
 * stalled watches, gateways on members that are cut off, paused gateways, sleeping
 * machines, wall clocks that are set. At all times no age is below the true one; once
 * faults end, all gateways hold all regions' sections at their last revisions, with equal
 * roots. That the check can fail is shown by planted bugs.
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
    if (!gateway.runs(world.nowMs)) continue;
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

/** Everything that can go wrong, each by the name of what it is. */
const FAULTS: readonly ((world: World) => void)[] = [
  function oneWayCut(world) {
    world.cut(anyRegion(world), anyRegion(world));
  },
  function cut(world) {
    const [a, b] = [anyRegion(world), anyRegion(world)];
    world.cut(a, b);
    world.cut(b, a);
  },
  function reset(world) {
    world.reset(anyRegion(world), anyRegion(world));
  },
  function heal(world) {
    world.heal();
  },
  function asymmetricDelay(world) {
    world.slow(anyRegion(world), anyRegion(world), 50 + world.random.int(400));
  },
  function restart(world) {
    const gateway = world.random.pick(world.gateways);
    if (gateway.alive) world.stop(gateway);
    else world.start(gateway);
  },
  function stalledWatch(world) {
    const gateway = world.random.pick(world.gateways);
    gateway.watchStalled = !gateway.watchStalled;
  },
  function isolatedMember(world) {
    const gateway = world.random.pick(world.gateways);
    gateway.isolatedAt = gateway.isolatedAt === undefined ? gateway.region.revision : undefined;
  },
  function pausedGateway(world) {
    const forMs = 100 + world.random.int(4_000);
    world.freeze(world.random.pick(world.gateways), forMs, false, () => checkAges(world));
  },
  function sleepingMachine(world) {
    const forMs = 500 + world.random.int(10_000);
    world.freeze(world.random.pick(world.gateways), forMs, true, () => checkAges(world));
  },
  function setWallClock(world) {
    // Not while its machine sleeps: a process can't tell that one clock stood still when
    // the other was set back in the same moment (age-clock.ts).
    const gateway = world.random.pick(world.gateways);
    const byMs = world.random.int(4_000) - 2_000;
    if (!gateway.runs(world.nowMs)) return;
    gateway.now(world.nowMs);
    gateway.machine.setWall(byMs);
    gateway.now(world.nowMs);
  },
];

function anyRegion(world: World): string {
  return world.random.pick(world.regions).name;
}

function endFaults(world: World): void {
  world.heal();
  for (const gateway of world.gateways) {
    gateway.watchStalled = false;
    gateway.isolatedAt = undefined;
    if (!gateway.alive) world.start(gateway);
  }
}

/** A world of a seed that has been through `seconds` of faults, the checks always on. */
function troubled(seed: number, seconds: number, bug?: Bug): World {
  const world = new World({
    seed,
    regions: 2 + (seed % 4),
    gatewaysPerRegion: 1 + (seed % 3),
    summaries: ["machines", "volumes"],
    groups: 40,
    ...(bug === undefined ? {} : { bug }),
  });
  for (const gateway of world.gateways) world.start(gateway);
  live(world, seconds * 1_000);
  for (let step = 0; step < seconds; step++) {
    world.run(1_000);
    if (step > 2 && world.random.chance(0.7)) world.random.pick(FAULTS)(world);
  }
  endFaults(world);
  return world;
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
    const world = troubled(seed, 30);
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

/** Seeds until one of which each planted bug has to be noticed. */
const BUG_SEEDS = 8;

test.each(BUGS)("a gateway with the bug %s is caught understating an age", (bug) => {
  expect(() => {
    for (let seed = 1; seed <= BUG_SEEDS; seed++) troubled(seed, 40, bug);
  }).toThrow("understates the age of");
});
