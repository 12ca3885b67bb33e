import { afterAll, beforeAll, expect, test } from "vitest";
import { CLASSES } from "./classes.js";
import { attack } from "./fuzz.js";
import { FuzzWorld } from "./fuzz-world.js";

/**
 * A hostile peer, as seeds say, against a real gateway: whatever it does, the last good view
 * stays, everything else goes on, it is said aloud, and all heals. `npm run fuzz` has more
 * seeds, and the kinds that take long.
 */
const SEED = 1;
const LONG: readonly string[] = ["hoarded-transfers", "silent-streams"];

let world: FuzzWorld;

beforeAll(async () => {
  world = await FuzzWorld.start();
});
afterAll(async () => {
  await world?.stop();
});

test.each([...CLASSES.keys()].filter((name) => !LONG.includes(name)))("%s", async (name) => {
  const { hurt } = await attack(world, name, SEED);
  expect(hurt).toBeUndefined();
});
