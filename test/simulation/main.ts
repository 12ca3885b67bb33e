import { parseArgs } from "node:util";
import { errorText } from "../../shared/errors.js";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.js";
import { addStats, noStats } from "./raft-stats.js";
import { runRaftWorld } from "./raft-world.js";

/**
 * Runs simulated worlds: groups of members of the real Raft core on simulated disks and
 * networks, in virtual time. Prints what happened in all of them, and each world that
 * broke a rule with the command that replays it. Exit code 1 if any did.
 */
const HELP = `Usage: npm run sim -- [--seeds A..B | --seed N [--trace]] [--bug NAME]

Runs simulated Raft worlds with faults and checks them.

  --seeds A..B   run the worlds of these seeds (default 1..200)
  --seed N       run one world
  --trace        with --seed: print everything that happens in it
  --bug NAME     plant a mistake, to see it found: ${PLANTED_BUGS.join(", ")}
  --help         print this

Example: npm run sim -- --seeds 1..1000
         npm run sim -- --seed 20690 --trace
`;

interface Task {
  readonly first: number;
  readonly last: number;
  readonly trace: boolean;
  readonly bug: PlantedBug | undefined;
}

/** A number or a range like 1..200; null if it is neither. */
function parseRange(text: string): { first: number; last: number } | null {
  const match = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text);
  if (match === null) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last ? { first, last } : null;
}

function parseTask(words: string[]): Task | "help" {
  const { values } = parseArgs({
    args: words,
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      bug: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  if (values.seeds !== undefined && values.seed !== undefined) {
    throw new Error("--seed and --seeds exclude each other");
  }
  const range = parseRange(values.seed ?? values.seeds ?? "1..200");
  if (range === null || (values.seed !== undefined && range.first !== range.last)) {
    const text = values.seed ?? values.seeds ?? "";
    const right = values.seed === undefined ? "a range such as 1..200" : "a number such as 17";
    throw new Error(
      `--seed${values.seed === undefined ? "s" : ""} is "${text}"; it must be ${right}`,
    );
  }
  if (values.trace && values.seed === undefined) throw new Error("--trace needs --seed");
  const bug = PLANTED_BUGS.find((known) => known === values.bug);
  if (values.bug !== undefined && bug === undefined) {
    throw new Error(`--bug is "${values.bug}"; there are ${PLANTED_BUGS.join(", ")}`);
  }
  return { ...range, trace: values.trace, bug };
}

function run({ first, last, trace, bug }: Task): boolean {
  const totals = noStats();
  const began = process.hrtime.bigint();
  let failed = 0;
  let slowest = 0;
  for (let seed = first; seed <= last; seed++) {
    const result = runRaftWorld(seed, {
      ...(bug === undefined ? {} : { bug }),
      ...(trace ? { trace: (line: string) => console.log(line) } : {}),
    });
    addStats(totals, result.stats);
    slowest = Math.max(slowest, result.recoveryTime);
    if (first === last) console.log(`trace hash ${result.traceHash.toString(16)}`);
    if (result.violation === null) continue;
    failed++;
    console.log(`seed ${seed}: ${result.violation.message}`);
    console.log(
      `  replay: npm run sim -- --seed ${seed}${bug === undefined ? "" : ` --bug ${bug}`} --trace`,
    );
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const width = Math.max(...Object.keys(totals).map((name) => name.length));
  for (const [name, count] of Object.entries(totals)) {
    console.log(`${name.padEnd(width)} ${String(count).padStart(12)}`);
  }
  const worlds = last - first + 1;
  console.log(
    `${worlds} worlds in ${seconds.toFixed(1)} s, slowest recovery ${slowest} units, ${failed} failed`,
  );
  return failed === 0;
}

try {
  const task = parseTask(process.argv.slice(2));
  if (task === "help") process.stdout.write(HELP);
  else if (!run(task)) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`sim: ${errorText(error)}\n\n${HELP}`);
  process.exitCode = 2;
}
