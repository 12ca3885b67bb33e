import { describe, expect, test } from "vitest";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.js";
import { addStats, noStats } from "./raft-stats.js";
import { runRaftWorld } from "./raft-world.js";

/** Worlds of a normal run; `npm run sim -- --seeds A..B` runs any others. */
const WORLDS = 600;

/** Seeds within which each planted mistake must be found, and what it breaks first. */
const FOUND_WITHIN: Record<PlantedBug, { readonly seeds: number; readonly breaks: RegExp }> = {
  "ack-before-sync": { seeds: 10, breaks: /durable commit/ },
  "forget-vote": { seeds: 3000, breaks: /election safety|log matching|leader completeness/ },
  "commit-older-term": { seeds: 5000, breaks: /state-machine safety|leader completeness/ },
  "read-without-quorum": { seeds: 3000, breaks: /linearizable reads/ },
};

test(`${WORLDS} worlds keep Raft's guarantees and recover`, () => {
  const totals = noStats();
  const broken: string[] = [];
  for (let seed = 1; seed <= WORLDS; seed++) {
    const { stats, violation } = runRaftWorld(seed);
    addStats(totals, stats);
    if (violation !== null) {
      broken.push(`${violation.message}\n  replay: npm run sim -- --seed ${seed} --trace`);
    }
  }
  console.log(`${WORLDS} worlds: ${JSON.stringify(totals)}`);
  expect(broken).toEqual([]);
  for (const [name, count] of Object.entries(totals)) expect(count, name).toBeGreaterThan(0);
});

test("one seed makes one world: equal seeds give equal traces, others don't", () => {
  const hashes = new Set<number>();
  for (let seed = 1; seed <= 10; seed++) {
    const lines: string[] = [];
    const first = runRaftWorld(seed, { trace: (line) => lines.push(line) });
    const again: string[] = [];
    const second = runRaftWorld(seed, { trace: (line) => again.push(line) });
    expect(second.traceHash).toBe(first.traceHash);
    expect(again).toEqual(lines);
    expect(second.stats).toEqual(first.stats);
    hashes.add(first.traceHash);
  }
  expect(hashes.size).toBe(10);
});

describe("the checks can fail: a planted mistake is found", () => {
  test.each(PLANTED_BUGS.map((bug) => ({ bug, ...FOUND_WITHIN[bug] })))(
    "$bug within $seeds seeds",
    ({ bug, seeds, breaks }) => {
      for (let seed = 1; seed <= seeds; seed++) {
        const { violation } = runRaftWorld(seed, { bug });
        if (violation === null) continue;
        console.log(`${bug}: seed ${seed}: ${violation.message}`);
        expect(violation.message).toMatch(breaks);
        // The mistake alone is to blame.
        expect(runRaftWorld(seed).violation).toBeNull();
        return;
      }
      expect.fail(`${bug} was not found`);
    },
  );
});
