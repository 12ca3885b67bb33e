import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { must } from "../../../shared/assert.js";
import { seededRandom } from "../../../shared/random.js";
import { workerFile } from "../../../shared/worker.js";
import { readContents, tempDirectory } from "./support.js";

const KILLS = 20;

interface Acknowledged {
  last: number;
  term: number;
  commit: number;
}

/** Runs the child until `lines` acknowledgements have come, kills it, and gives them all. */
async function runAndKill(path: string, seed: number, lines: number): Promise<Acknowledged[]> {
  const program = fileURLToPath(workerFile("./killed-child.js", import.meta.url));
  const child = spawn(process.execPath, [program, path, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const got: Acknowledged[] = [];
  const exited = once(child, "exit");
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    const [last, term, commit] = line.split(" ").map(Number);
    got.push({ last: must(last, line), term: must(term, line), commit: must(commit, line) });
    if (got.length === lines) child.kill("SIGKILL");
  });
  await Promise.all([exited, once(reader, "close")]);
  return got;
}

describe("a process that is killed while it appends", () => {
  it(`has every acknowledged append afterwards, ${KILLS} times in a row`, async () => {
    const path = join(tempDirectory(), "log.db");
    const random = seededRandom(3);
    let seen = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const acknowledged = await runAndKill(path, kill, 1 + random.int(120));
      seen += acknowledged.length;
      const { base, entries, hardState } = readContents(path);
      const newest = must(acknowledged.at(-1), "the child acknowledged nothing");
      expect(hardState.term).toBeGreaterThanOrEqual(newest.term);
      expect(hardState.commit).toBeGreaterThanOrEqual(newest.commit);
      const terms = new Map<number, number>([[base.index, base.term]]);
      for (const entry of entries) {
        const [index, term, , data] = entry.split("/");
        expect(data).toMatch(new RegExp(`^entry ${index} of term ${term}\\.*$`));
        terms.set(Number(index), Number(term));
      }
      const end = base.index + entries.length;
      for (const { last, term } of acknowledged) {
        if (last < base.index) continue;
        // What was acknowledged is there, unless a newer term has replaced it since.
        const there = terms.get(Math.min(last, end));
        expect(there, `entry ${last}`).toBeGreaterThanOrEqual(last <= end ? term : term + 1);
      }
      expect(end).toBeGreaterThanOrEqual(newest.commit);
    }
    expect(seen).toBeGreaterThan(KILLS * 10);
  }, 120_000);
});
