import { type Random, seededRandom } from "../../../shared/random.js";
import { quantile } from "../statistics.js";
import { Islands } from "./islands.js";
import { type ProcessorUse, ProcessorWatch } from "./processors.js";

/** How links are cut: silent, refused, or silent in one direction only. */
export const CUT_KINDS = ["silent", "refused", "one way"] as const;
export type CutKind = (typeof CUT_KINDS)[number];

/** From puts' answers to the last subscriber's showing them, in milliseconds. */
export interface LastArrivals {
  readonly puts: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** p99 as a multiple of the largest one-way delay. */
  readonly ratio: number;
  /** What is beyond the delay from each put's own region to the farthest one. */
  readonly beyondP50Ms: number;
  readonly beyondP99Ms: number;
  /** To the subscriber in the put's own region. */
  readonly homeP50Ms: number;
  readonly homeP99Ms: number;
}

/** Puts at both ends of links that had just been cut, and later ones while they were. */
export interface CutResult {
  readonly kind: CutKind;
  readonly times: number;
  /** From the answers to puts made at once after the cut until everyone showed them. */
  readonly repairP50Ms: number;
  readonly repairMaxMs: number;
  readonly later: LastArrivals;
}

export interface ConvergenceResult {
  readonly regions: number;
  readonly links: number;
  readonly cutLinks: number;
  readonly largestMs: number;
  readonly targetMs: number;
  readonly repairTargetMs: number;
  readonly whole: LastArrivals;
  readonly cuts: readonly CutResult[];
  /** With nothing changing. */
  readonly idle: ProcessorUse;
  /** While puts were measured, nothing being cut. */
  readonly busy: ProcessorUse;
}

const SEED = 4;
/** Puts at each region in a round. */
const PUTS_A_ROUND = 5;
/** Longer than the pushes' coalescing interval of 50 ms, so that each change is a first one. */
const PAUSE_MS = 70;
const IDLE_MS = 10_000;
/** For all streams to be up, round trips to be measured, and compilers to have warmed up. */
const WARM_UP_ROUNDS = 3;
const CUT_SHARE = 0.05;
/** Time for cut links that healed to be in use again. */
const REST_MS = 6_000;
/** The target: p99 within this many times the largest one-way delay, and so many ms. */
const TARGET_RATIO = 1.25;
const TARGET_MS = 30;
const REPAIR_TARGET_MS = 2_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Collects what puts took. */
class Tally {
  readonly #islands: Islands;
  readonly #last: number[] = [];
  readonly #beyond: number[] = [];
  readonly #home: number[] = [];

  constructor(islands: Islands) {
    this.#islands = islands;
  }

  /** Puts in a region and waits until all have it; milliseconds until the last had. */
  async put(region: string): Promise<number> {
    const arrivals = await this.#islands.put(region);
    const lastMs = Math.max(...arrivals.values());
    this.#home.push(arrivals.get(region) ?? Number.NaN);
    this.#last.push(lastMs);
    this.#beyond.push(lastMs - this.#islands.farthestMs(region));
    return lastMs;
  }

  result(): LastArrivals {
    const last = this.#last.toSorted((a, b) => a - b);
    const beyond = this.#beyond.toSorted((a, b) => a - b);
    const home = this.#home.toSorted((a, b) => a - b);
    const p99Ms = quantile(last, 0.99);
    return {
      puts: last.length,
      p50Ms: quantile(last, 0.5),
      p99Ms,
      maxMs: last.at(-1) ?? Number.NaN,
      ratio: p99Ms / this.#islands.largestMs,
      beyondP50Ms: quantile(beyond, 0.5),
      beyondP99Ms: quantile(beyond, 0.99),
      homeP50Ms: quantile(home, 0.5),
      homeP99Ms: quantile(home, 0.99),
    };
  }
}

type Pair = readonly [string, string];

function pairsOf(names: readonly string[]): Pair[] {
  return names.flatMap((a, i) => names.slice(i + 1).map((b): Pair => [a, b]));
}

/** So many of the pairs, and each in a random direction. */
function picked(pairs: readonly Pair[], count: number, random: Random): Pair[] {
  const left = [...pairs];
  const result: Pair[] = [];
  while (result.length < count && left.length > 0) {
    const [pair] = left.splice(random.int(left.length), 1);
    if (pair !== undefined) result.push(random.chance(0.5) ? pair : [pair[1], pair[0]]);
  }
  return result;
}

function cut({ network }: Islands, kind: CutKind, [a, b]: Pair): void {
  if (kind === "one way") network.mute(a, b);
  else network.cut(a, b, kind === "silent" ? "blackhole" : "reset");
}

async function measureCuts(
  islands: Islands,
  kind: CutKind,
  cutLinks: number,
  times: number,
  say: (text: string) => void,
): Promise<CutResult> {
  const random = seededRandom(SEED);
  const pairs = pairsOf(islands.names);
  const repairs: number[] = [];
  const later = new Tally(islands);
  for (let time = 1; time <= times; time++) {
    say(`mesh, links cut (${kind}): ${time} of ${times}`);
    const links = picked(pairs, cutLinks, random);
    const ends = [...new Set(links.flat())];
    for (const link of links) cut(islands, kind, link);
    const first = new Tally(islands);
    repairs.push(Math.max(...(await Promise.all(ends.map((end) => first.put(end))))));
    for (const region of islands.names) {
      await pause(PAUSE_MS);
      await later.put(region);
    }
    for (const [a, b] of links) islands.network.heal(a, b);
    await pause(REST_MS);
  }
  repairs.sort((a, b) => a - b);
  return {
    kind,
    times,
    repairP50Ms: quantile(repairs, 0.5),
    repairMaxMs: repairs.at(-1) ?? Number.NaN,
    later: later.result(),
  };
}

/**
 * Measures how fast a put in one region shows at the subscribers of all, on real processes
 * with measured distances between them, whole and with links cut, for each number of regions.
 * `rounds`: five puts at each region a round, and one choice of links that are cut in each way.
 */
export async function runConvergenceSuite(
  sizes: readonly number[],
  rounds: number,
  say: (text: string) => void,
): Promise<ConvergenceResult[]> {
  const results: ConvergenceResult[] = [];
  for (const regions of sizes) results.push(await measure(regions, rounds, say));
  return results;
}

async function measure(
  regions: number,
  rounds: number,
  say: (text: string) => void,
): Promise<ConvergenceResult> {
  say(`mesh: starting ${regions} regions`);
  const islands = await Islands.start(regions);
  try {
    const { names, largestMs } = islands;
    const everywhere = async (tally: Tally, times: number, what: string): Promise<void> => {
      for (let time = 0; time < times; time++) {
        for (const region of names) {
          await tally.put(region);
          await pause(PAUSE_MS);
        }
        say(`mesh, ${what}: ${(time + 1) * names.length} of ${times * names.length} puts`);
      }
    };
    await everywhere(new Tally(islands), WARM_UP_ROUNDS, "warming up");
    const watch = new ProcessorWatch(islands.processes);
    say("mesh: idle");
    await pause(IDLE_MS);
    const idle = watch.use();
    watch.begin();
    const whole = new Tally(islands);
    await everywhere(whole, rounds * PUTS_A_ROUND, "whole");
    const busy = watch.use();
    const links = pairsOf(names).length;
    const cutLinks = Math.ceil(links * CUT_SHARE);
    const cuts: CutResult[] = [];
    for (const kind of CUT_KINDS) {
      cuts.push(await measureCuts(islands, kind, cutLinks, rounds, say));
    }
    const targetMs = TARGET_RATIO * largestMs + TARGET_MS;
    return {
      ...{ regions, links, cutLinks, largestMs, targetMs, repairTargetMs: REPAIR_TARGET_MS },
      ...{ whole: whole.result(), cuts, idle, busy },
    };
  } finally {
    await islands.stop();
  }
}
