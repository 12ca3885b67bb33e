import { describe, expect, test } from "vitest";
import { holdingOf } from "../../../global/mesh/core/holding.js";
import { MESH_OWN_PAST_WAIT_MS, STORAGE_INTERVAL_MS } from "../../../shared/limits.js";
import type { FakeRegion } from "./fake-region.js";
import type { SimGateway } from "./sim-gateway.js";
import { World } from "./world.js";

/**
 * A gateway that comes back asks its peers what it told of its own region after its last
 * save, and lets its own fold speak only then.
 */

const SUMMARY = "machines";
const STEP_MS = 5;

interface Scene {
  readonly world: World;
  readonly region: FakeRegion;
  readonly gateway: SimGateway;
  readonly others: readonly SimGateway[];
}

/** Three regions that know each other, of one gateway each, kept on disk or not. */
function begin(seed: number, keepsViews: boolean): Scene {
  const world = new World({
    ...{ seed, regions: 3, gatewaysPerRegion: 1, summaries: [SUMMARY], groups: 20, keepsViews },
  });
  for (const gateway of world.gateways) world.start(gateway);
  for (const region of world.regions) region.write(world.nowMs, world.random);
  world.run(4_000);
  const [region, gateway] = [world.regions[0], world.gateways[0]] as [FakeRegion, SimGateway];
  return { world, region, gateway, others: world.gateways.slice(1) };
}

const told = ({ gateway, region }: Scene): number =>
  holdingOf(gateway.state.region(region.name)).revision;

/** Starts a gateway; how long its fold waited, and what of its own region was here by then. */
function startAgain(scene: Scene): { waitedMs: number; revision: number } {
  const { world, gateway } = scene;
  const before = world.events.length;
  const since = world.nowMs;
  world.start(gateway);
  const isOver = (): boolean =>
    world.events
      .slice(before)
      .some(({ gateway: name, event }) => name === gateway.name && event.kind === "own-past");
  while (!isOver()) {
    world.run(STEP_MS);
    expect(world.nowMs - since).toBeLessThan(10_000);
  }
  return { waitedMs: world.nowMs - since, revision: told(scene) };
}

describe.each([true, false])("with its view kept: %s", (keepsViews) => {
  test.each([1, 2, 3, 4, 5])("seed %i: what it told is here before its fold speaks", (seed) => {
    const scene = begin(seed, keepsViews);
    const { world, region, gateway } = scene;
    for (let i = 0; i < 20; i++) {
      region.put(world.nowMs, SUMMARY, `news-${i}`, i);
      world.run(30);
    }
    world.run(100);
    const last = told(scene);
    world.stop(gateway);
    // Of what happens while it is gone nobody can know.
    region.put(world.nowMs, SUMMARY, "news-0", 99);
    world.run(500);
    const { waitedMs, revision } = startAgain(scene);
    expect(revision).toBe(last);
    expect(waitedMs).toBeLessThan(500);
    world.run(2_000);
    expect(told(scene)).toBe(region.revision);
    for (const link of gateway.core.streams) expect(link.interest).not.toContain(region.name);
    const section = gateway.state.section({ region: region.name, summary: SUMMARY });
    if (section === undefined) throw new Error("nothing is published");
    const version = { ...section.version, revision: last };
    const missed = gateway.state.transferSince(section.id, version);
    expect(missed).toMatchObject({ kind: "delta" });
    expect(missed?.changes.size).toBe(1);
  });
});

test("it doesn't wait where nobody runs who could answer", () => {
  const scene = begin(1, true);
  for (const other of [...scene.others, scene.gateway]) scene.world.stop(other);
  scene.world.run(100);
  expect(startAgain(scene).waitedMs).toBeLessThan(MESH_OWN_PAST_WAIT_MS / 2);
});

test("it waits no longer than its while for those who don't answer", () => {
  const scene = begin(1, true);
  const { world, region, gateway } = scene;
  world.run(STORAGE_INTERVAL_MS);
  world.stop(gateway);
  for (const { name } of world.regions.slice(1)) world.cut(name, region.name);
  const { waitedMs } = startAgain(scene);
  expect(waitedMs).toBeGreaterThanOrEqual(MESH_OWN_PAST_WAIT_MS);
  expect(waitedMs).toBeLessThan(MESH_OWN_PAST_WAIT_MS + 250);
  region.write(world.nowMs, world.random);
  world.run(1_000);
  expect(told(scene)).toBe(region.revision);
});

test("regions that all start at once don't wait for what nobody has", () => {
  const world = new World({
    ...{ seed: 1, regions: 5, gatewaysPerRegion: 2, summaries: [SUMMARY], groups: 5 },
  });
  for (const gateway of world.gateways) world.start(gateway);
  world.run(500);
  const over = world.events.filter(({ event }) => event.kind === "own-past");
  expect(over).toHaveLength(world.gateways.length);
});
