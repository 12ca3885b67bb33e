import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { runWorlds } from "./pool.js";
import { replayCommand, textReport } from "./report.js";

/** Worlds of a normal run; `npm run sim -- --seeds A..B` runs any others. */
const WORLDS = 2000;

/** Two cores of their own take them a minute or two. */
const PATIENCE_MS = 900_000;

test(
  `${WORLDS} worlds keep their promises and recover, and everything happens in them`,
  async () => {
    const workers = Math.min(2, availableParallelism());
    const options = { first: 1, last: WORLDS, bug: null, workers };
    const began = performance.now();
    const totals = await runWorlds(options);
    const seconds = (performance.now() - began) / 1000;
    console.log(textReport({ ...options, trace: false, json: false }, totals, seconds));
    const broken = totals.broken.map(
      ({ seed, violation }) => `seed ${seed}: ${violation}\n  replay: ${replayCommand(seed, null)}`,
    );
    expect(broken).toEqual([]);
    expect(totals.worlds).toBe(WORLDS);
    for (const [name, count] of Object.entries(totals.stats))
      expect(count, name).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);
