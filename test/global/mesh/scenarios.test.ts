import { afterEach, describe, expect, test, vi } from "vitest";
import { GlobalState } from "../../../global/digest/global-state.js";
import { Orders } from "../../../global/digest/orders.js";
import { Recency } from "../../../global/digest/recency.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import { Straight } from "../../../global/mesh/core/straight.js";
import { Trees } from "../../../global/mesh/core/trees.js";
import { forgotten, partialPartition, pastFloor, trees } from "./scenarios.js";
import { expectRecovered, troubled } from "./trouble.js";

/**
 * Each scenario by several seeds; and, planted from outside by replacing methods, a mistake
 * that each must find within as many.
 */

const SCENARIOS = { partialPartition, pastFloor, forgotten, trees };
const SEEDS = [1, 2, 3];
const SCENARIO_MS = 120_000;

describe.each(Object.entries(SCENARIOS))("%s", (_, scenario) => {
  test.each(SEEDS)("seed %i", (seed) => scenario(seed), SCENARIO_MS);
});

function comings(seed: number): void {
  const summaries = ["machines"];
  const world = troubled({ seed, regions: 3, gatewaysPerRegion: 2, summaries, groups: 20 }, 20);
  world.run(20_000);
  expectRecovered(world);
}

/** What is got wrong, where it must show, and how. */
const MISTAKES: readonly [string, (seed: number) => void, () => void][] = [
  [
    "a straight stream counts as good, whatever it brings",
    partialPartition,
    () => {
      vi.spyOn(Straight.prototype, "isGood").mockReturnValue(true);
    },
  ],
  [
    "a delta is told from before the floor",
    pastFloor,
    () => {
      vi.spyOn(Recency.prototype, "canTellFrom").mockReturnValue(true);
    },
  ],
  [
    "orders aren't passed on to who was away",
    forgotten,
    () => {
      vi.spyOn(GlobalState.prototype, "orders").mockReturnValue([]);
    },
  ],
  [
    "an order is obeyed, and not kept",
    forgotten,
    () => {
      vi.spyOn(Orders.prototype, "take").mockReturnValue(undefined);
    },
  ],
  [
    "a head that is gone counts as there, and no deputy helps",
    trees,
    () => {
      vi.spyOn(Straight.prototype, "whoIsUp").mockReturnValue(() => true);
      vi.spyOn(Trees.prototype, "isDeputy").mockReturnValue(false);
    },
  ],
  [
    "new addresses aren't taken up",
    comings,
    () => {
      vi.spyOn(MeshCore.prototype, "readdress").mockReturnValue(undefined);
    },
  ],
];

describe("planted mistakes are found", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each(MISTAKES)(
    "%s",
    (_, scenario, plant) => {
      plant();
      expect(() => {
        for (const seed of SEEDS) scenario(seed);
      }).toThrow();
    },
    SEEDS.length * SCENARIO_MS,
  );
});
