import { parseArgs } from "node:util";
import { CLASSES } from "./classes.js";

/** What `npm run fuzz` is asked for. */
export interface FuzzOptions {
  readonly first: number;
  readonly last: number;
  /** Kinds of attacks. */
  readonly classes: readonly string[];
}

const DEFAULT_SEEDS = "1..10";

export const HELP = `Attacks a real gateway as a hostile peer, by seeds, and checks that nothing is hurt.

Usage: npm run fuzz -- [--seeds A..B | --seed N] [--class NAME,...]

  --seeds A..B       attack by these seeds, each kind with each of them (default ${DEFAULT_SEEDS})
  --seed N           by one seed
  --class NAME,...   only these kinds of attacks (default all)
  -h, --help         this text

A seed and a kind make one attack. Exit code 1: something was hurt; 2: bad options.

Kinds:
${[...CLASSES.keys()].map((name) => `  ${name}\n`).join("")}`;

function parseSeeds(text: string): { first: number; last: number } {
  const match = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last) {
    throw new Error(`the seeds are "${text}"; they must be a range such as 1..20, or a number`);
  }
  return { first, last };
}

/** Parses the words after `npm run fuzz --`; null when help was asked for. Throws naming the option. */
export function parseFuzzOptions(words: readonly string[]): FuzzOptions | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      class: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  if (values.seeds !== undefined && values.seed !== undefined) {
    throw new Error("--seed and --seeds exclude each other");
  }
  const classes = values.class?.split(",") ?? [...CLASSES.keys()];
  for (const name of classes) {
    if (!CLASSES.has(name)) {
      throw new Error(`--class names "${name}"; there are ${[...CLASSES.keys()].join(", ")}`);
    }
  }
  return { ...parseSeeds(values.seed ?? values.seeds ?? DEFAULT_SEEDS), classes };
}
