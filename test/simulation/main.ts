import { errorText } from "../../shared/errors.js";
import { findBug, withBug } from "./bugs/planted-bugs.js";
import { HELP, parseSimOptions, type SimOptions } from "./options.js";
import { runWorlds } from "./pool.js";
import { Progress } from "./progress.js";
import { jsonReport, textReport } from "./report.js";
import { addWorld, noTotals, type Totals } from "./totals.js";
import { runWorld } from "./world/run-world.js";

/**
 * Runs simulated worlds: groups of members of the real Raft core and the real state on
 * simulated disks and networks, in virtual time. Prints what happened in all of them, and each
 * world that broke a rule with the command that replays it. Exit code 1 if any did.
 */

/** One world, in this thread, so that its trace can be printed. */
function runOne({ first, trace, bug }: SimOptions): Totals {
  const totals = noTotals();
  const planted = bug === null ? null : (findBug(bug) ?? null);
  const sink = trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
  const result = withBug(planted, () => runWorld(first, sink));
  addWorld(totals, result);
  process.stderr.write(
    `seed ${first}: a world of kind ${result.profile}, hash ${result.traceHash.toString(16)}\n`,
  );
  return totals;
}

async function runMany(options: SimOptions): Promise<Totals> {
  const { first, last } = options;
  const line = new Progress(process.stderr, last - first + 1, performance.now());
  const totals = await runWorlds({
    ...options,
    progress: ({ worlds, broken }) => line.update(worlds, broken.length, performance.now()),
  });
  line.end();
  return totals;
}

async function run(words: readonly string[]): Promise<number> {
  const options = parseSimOptions(words);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const began = performance.now();
  const totals = options.first === options.last ? runOne(options) : await runMany(options);
  const seconds = (performance.now() - began) / 1000;
  const report = options.json ? jsonReport : textReport;
  process.stdout.write(report(options, totals, seconds));
  return totals.broken.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sim: ${errorText(error)}\n\n${HELP}`);
  process.exitCode = 2;
}
