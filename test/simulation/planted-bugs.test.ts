import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { PLANTED_BUGS, withBug } from "./bugs/planted-bugs.js";
import { runWorld } from "./world/run-world.js";

/** The rarest takes some hundred worlds. */
const PATIENCE_MS = 600_000;

describe("the checks can fail: a planted mistake is found", () => {
  test.each(PLANTED_BUGS)(
    "$name within $withinSeeds seeds",
    { timeout: PATIENCE_MS },
    async (bug) => {
      for (let seed = 1; seed <= bug.withinSeeds; seed++) {
        const { violation } = withBug(bug, () => runWorld(seed));
        if (violation === null) {
          await setImmediate();
          continue;
        }
        console.log(`${bug.name}: seed ${seed}: ${violation.split("\n")[0]}`);
        expect(violation).toMatch(bug.breaks);
        // The mistake alone is to blame.
        expect(runWorld(seed).violation).toBeNull();
        return;
      }
      expect.fail(`${bug.name} was not found`);
    },
  );
});
