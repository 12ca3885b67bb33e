import { describe, expect, test } from "vitest";
import { BUGS, type Bug } from "./planted-bugs.js";
import { expectRecovered, FAULTS, troubled } from "./trouble.js";
import type { SimOptions } from "./world.js";

/**
 * Worlds of several gateways, one seed each: loss, partitions, restarts, gateways and regions
 * that come, go and are replaced, asymmetric delay, stalled watches, gateways on members that
 * are cut off, paused gateways, sleeping machines, wall clocks that are set; in half of them
 * gateways keep their views over restarts. At all times no
 * age is below the true one; once faults end, all gateways hold all regions' sections at
 * their last revisions, with equal roots. That the check of ages can fail is shown by planted
 * bugs; that the others can, in scenarios.test.ts.
 */

function optionsOf(seed: number, bug?: Bug): SimOptions {
  return {
    seed,
    regions: 2 + (seed % 4),
    gatewaysPerRegion: 1 + (seed % 3),
    summaries: ["machines", "volumes"],
    groups: 40,
    keepsViews: seed % 2 === 0,
    ...(bug === undefined ? {} : { bug }),
  };
}

/** Time for one world on a machine that is busy with much else; a few seconds on one that isn't. */
const WORLD_MS = 120_000;

/** A way more than without trees, and a ping isn't answered with all regions at once. */
const TREE_FRESH_MS = 3_000;

describe("seeded worlds", () => {
  const happened = new Set<string>();
  test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    "seed %i",
    (seed) => {
      const world = troubled(optionsOf(seed), 30, (fault) => happened.add(fault));
      world.run(20_000);
      expectRecovered(world);
    },
    WORLD_MS,
  );

  test("between them, everything that can happen has happened", () => {
    expect([...happened].sort()).toEqual(FAULTS.map(({ name }) => name).sort());
  });

  test.each([1, 2, 3])(
    "seed %i of more regions, in trees",
    (seed) => {
      const options = { ...optionsOf(seed), regions: 9, gatewaysPerRegion: 2, directRegions: 4 };
      const world = troubled(options, 20);
      world.run(20_000);
      expectRecovered(world, TREE_FRESH_MS);
    },
    WORLD_MS,
  );
});

/** Seeds until one of which each planted bug has to be noticed. */
const BUG_SEEDS = 8;

test.each(BUGS)(
  "a gateway with the bug %s is caught understating an age",
  (bug) => {
    expect(() => {
      for (let seed = 1; seed <= BUG_SEEDS; seed++) {
        // Those that were down to the end come back then.
        troubled(optionsOf(seed, bug), 40).run(1_000);
      }
    }).toThrow("understates the age of");
  },
  BUG_SEEDS * WORLD_MS,
);
