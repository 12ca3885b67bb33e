import { expect } from "vitest";
import { sectionKey } from "../../../global/digest/section.js";
import { holdingOf } from "../../../global/mesh/core/holding.js";
import type { SimGateway } from "./sim-gateway.js";
import { type SimOptions, World } from "./world.js";

/**
 * What goes wrong in worlds of gateways, and what holds all the same: at all times no age is
 * below the true one; once faults end, all gateways hold the same, and all of it.
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

/** Throws for an age that is below the true one; tells how many ages are known. */
export function checkAges(world: World): number {
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

/** Everything that can go wrong, and everybody who can come and go, each by its name. */
export const FAULTS: readonly ((world: World) => void)[] = [
  function oneWayCut(world) {
    world.cut(anyRegion(world), anyRegion(world));
  },
  function cut(world) {
    const [a, b] = [anyRegion(world), anyRegion(world)];
    world.cut(a, b);
    world.cut(b, a);
  },
  function partition(world) {
    const [near, far] = [world.regions.filter(() => world.random.chance(0.5)), world.regions];
    for (const { name: a } of near) {
      for (const { name: b } of far.filter((region) => !near.includes(region))) {
        world.cut(a, b);
        world.cut(b, a);
      }
    }
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
  function join(world) {
    const region = world.random.pick(world.regions);
    if (ofRegion(world, region.name).length < GATEWAYS_MAX) world.join(region);
  },
  function leave(world) {
    const gateway = world.random.pick(world.gateways);
    const staying = ofRegion(world, gateway.region.name).filter((other) => other !== gateway);
    if (staying.some(({ alive }) => alive)) world.leave(gateway, world.random.int(4_000));
  },
  function replacement(world) {
    const gateway = world.random.pick(world.gateways);
    world.join(gateway.region);
    world.leave(gateway, world.random.int(4_000));
  },
  function newRegion(world) {
    if (world.regions.length < REGIONS_MAX) world.settle(`n${world.regions.length}`);
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

/** Pauses of reads and pings on three ways, the last of them to a sibling. */
const FRESH_MS = 1_500;
const GATEWAYS_MAX = 3;
const REGIONS_MAX = 6;

function ofRegion(world: World, name: string): SimGateway[] {
  return world.gateways.filter(({ region }) => region.name === name);
}

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

/**
 * A world that has been through `seconds` of faults, the checks always on; `happened` is told
 * each by its name.
 */
export function troubled(
  options: SimOptions,
  seconds: number,
  happened: (fault: string) => void = () => {},
): World {
  const world = new World(options);
  for (const gateway of world.gateways) world.start(gateway);
  live(world, seconds * 1_000);
  for (let step = 0; step < seconds; step++) {
    world.run(1_000);
    if (step <= 2 || !world.random.chance(0.7)) continue;
    const fault = world.random.pick(FAULTS);
    fault(world);
    happened(fault.name);
  }
  endFaults(world);
  return world;
}

/** Writes all the time until `untilMs`, and checks ages for ever. */
export function live(world: World, untilMs: number): void {
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

/**
 * All gateways hold the same, all of it, and have refused nothing; nothing of it is older than
 * `freshMs`, though nobody writes any more.
 */
export function expectRecovered(world: World, freshMs = FRESH_MS): void {
  expectConverged(world);
  expect(checkAges(world)).toBe(world.gateways.length * world.regions.length);
  for (const gateway of world.gateways) {
    for (const region of world.regions) {
      const age = gateway.core.book.ageMs(region.name, gateway.now(world.nowMs).ageMs);
      expect(age, `${gateway.name} of ${region.name}`).toBeLessThan(freshMs);
    }
  }
  // News came both as differences and as whole cells: ages held whichever way.
  const { chunks, differences } = world.traffic;
  expect(differences).toBeGreaterThan(0);
  expect(differences).toBeLessThan(chunks);
  const refused = world.events.filter(({ event }) => event.kind === "refused");
  expect(refused).toEqual([]);
}

/** All gateways hold all regions' sections at their last revisions, with equal roots. */
function expectConverged(world: World): void {
  const expected = world.regions.flatMap(({ name, summaries, revision }) =>
    summaries.map((summary) => `${name}\n${summary} ${revision}`),
  );
  const first = roots(world.gateways[0] as SimGateway);
  expect(first.map((line) => line.slice(0, line.lastIndexOf(" "))).sort()).toEqual(expected.sort());
  for (const gateway of world.gateways) expect(roots(gateway), gateway.name).toEqual(first);
}
