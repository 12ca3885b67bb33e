import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { findBug, PLANTED_BUGS } from "./bugs/planted-bugs.js";

/** What `npm run sim` is asked for. */
export interface SimOptions {
  readonly first: number;
  readonly last: number;
  /** Print all that happens in the one world. */
  readonly trace: boolean;
  /** Name of a mistake to plant; null for none. */
  readonly bug: string | null;
  /** Threads that run worlds. */
  readonly workers: number;
  readonly json: boolean;
}

const DEFAULT_SEEDS = "1..200";
const MAX_WORKERS = 64;

const BUG_LINES = PLANTED_BUGS.map(({ name, about }) => `    ${name.padEnd(28)} ${about}\n`);

export const HELP = `Runs seeded worlds of Raft members with faults, and checks them.

Usage: npm run sim -- [--seeds A..B | --seed N [--trace]] [options]

  --seeds A..B        run the worlds of these seeds (default ${DEFAULT_SEEDS})
  --seed N            run one world
  --trace             with --seed: print everything that happens in it
  --bug NAME          plant a mistake, to see it found
  --workers N         threads that run worlds (default: as many as there are cores)
  -o, --output FORM   text or json (default text)
  -h, --help          this text

A seed makes one world, on every machine. Exit code 1: a world broke a rule; 2: bad options.
Progress goes to standard error.

Mistakes that can be planted:
${BUG_LINES.join("")}
Examples:
  npm run sim -- --seeds 1..2000
  npm run sim -- --seed 24 --trace
  npm run sim -- --seeds 1..100 --bug vote-for-shorter-log
`;

/** A number, or two of them like 1..200. */
function parseSeeds(name: string, text: string, range: boolean): { first: number; last: number } {
  const match = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last || (!range && match[2] !== undefined)) {
    const right = range ? "a range such as 1..200" : "a number such as 17";
    throw new Error(`--${name} is "${text}"; it must be ${right}`);
  }
  return { first, last };
}

function parseWorkers(text: string | undefined): number {
  if (text === undefined) return Math.min(MAX_WORKERS, availableParallelism());
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return workers;
  throw new Error(`--workers is "${text}"; it must be a number from 1 to ${MAX_WORKERS}`);
}

/** Parses the words after `npm run sim --`; null when help was asked for. Throws naming the option. */
export function parseSimOptions(words: readonly string[]): SimOptions | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      bug: { type: "string" },
      workers: { type: "string" },
      output: { type: "string", short: "o", default: "text" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  if (values.seeds !== undefined && values.seed !== undefined) {
    throw new Error("--seed and --seeds exclude each other");
  }
  if (values.trace && values.seed === undefined) throw new Error("--trace needs --seed");
  if (values.output !== "text" && values.output !== "json") {
    throw new Error(`--output is "${values.output}"; it must be text or json`);
  }
  const bug = values.bug ?? null;
  if (bug !== null && findBug(bug) === undefined) {
    const names = PLANTED_BUGS.map(({ name }) => name).join(", ");
    throw new Error(`--bug is "${bug}"; there are ${names}`);
  }
  const seeds =
    values.seed === undefined
      ? parseSeeds("seeds", values.seeds ?? DEFAULT_SEEDS, true)
      : parseSeeds("seed", values.seed, false);
  return {
    ...seeds,
    trace: values.trace,
    bug,
    workers: parseWorkers(values.workers),
    json: values.output === "json",
  };
}
