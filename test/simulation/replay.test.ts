import { expect, test } from "vitest";
import { seededRandom } from "../../shared/random.js";
import { findBug, withBug } from "./bugs/planted-bugs.js";
import { runWorlds } from "./pool.js";
import { addWorld, noTotals } from "./totals.js";
import { drawSettings } from "./world/draw.js";
import { PROFILES } from "./world/profiles.js";
import { runWorld, type WorldResult } from "./world/run-world.js";

const SEEDS = 8;

function runTraced(seed: number): { result: WorldResult; lines: string[] } {
  const lines: string[] = [];
  return { result: runWorld(seed, (line) => lines.push(line)), lines };
}

test("one seed makes one world: run twice it is the same to the last step, others differ", () => {
  const hashes = new Set<number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const first = runTraced(seed);
    const second = runTraced(seed);
    expect(second).toEqual(first);
    expect(first.lines.length).toBeGreaterThan(1000);
    hashes.add(first.result.traceHash);
  }
  expect(hashes.size).toBe(SEEDS);
});

test("a world that breaks a rule replays to the same end", () => {
  const bug = findBug("vote-for-shorter-log") ?? null;
  const runs = [1, 2].map(() => {
    const lines: string[] = [];
    return { result: withBug(bug, () => runWorld(1, (line) => lines.push(line))), lines };
  });
  expect(runs[0]?.result.violation).toMatch(/leader completeness/);
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[0]?.lines.at(-1)).toMatch(/^\d+ /);
});

test("worlds in threads are the same as worlds in this one", async () => {
  const expected = noTotals();
  for (let seed = 1; seed <= SEEDS; seed++) addWorld(expected, runWorld(seed));
  const options = { first: 1, last: SEEDS, bug: null };
  expect(await runWorlds({ ...options, workers: 2 })).toEqual(expected);
});

test("all kinds of worlds come, of three to seven members", () => {
  const profiles = new Set<string>();
  const sizes = new Set<number>();
  for (let seed = 1; seed <= 200; seed++) {
    const { profile, members } = drawSettings(seededRandom(seed));
    profiles.add(profile);
    sizes.add(members);
  }
  expect([...profiles].sort()).toEqual([...PROFILES].sort());
  expect([...sizes].sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7]);
});
