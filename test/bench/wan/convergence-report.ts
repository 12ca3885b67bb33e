import { formatTable } from "../../../deploy/terminal/table.js";
import type { ConvergenceResult, LastArrivals } from "./convergence-suite.js";
import type { ProcessorUse } from "./processors.js";

const right = (head: string): { head: string; align: "right" } => ({ head, align: "right" });
const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const verdict = (value: number, target: number): string => (value <= target ? "met" : "MISSED");

function cells({ puts, p50Ms, p99Ms, maxMs, ratio, ...rest }: LastArrivals): string[] {
  const { beyondP50Ms, beyondP99Ms, homeP50Ms, homeP99Ms } = rest;
  const beyond = [beyondP50Ms, beyondP99Ms, homeP50Ms, homeP99Ms];
  return [whole(puts), ...[p50Ms, p99Ms, maxMs].map(whole), ratio.toFixed(2), ...beyond.map(whole)];
}

function useLine(when: string, { shares, machine, processors, load }: ProcessorUse): string {
  const parts = Object.entries(shares).map(([name, share]) => `${name} ${percent(share)}`);
  const own = Object.values(shares).reduce((a, b) => a + b, 0);
  return (
    `Of one processor, ${when}: ${parts.join(", ")}, other programs ${percent(machine - own)}; ` +
    `${processors} processors, load average ${load.toFixed(1)}.`
  );
}

function formatOne(result: ConvergenceResult): string {
  const { regions, links, cutLinks, largestMs, targetMs, repairTargetMs, idle, busy } = result;
  const table = formatTable(
    [
      { head: "LINKS" },
      right("PUTS"),
      right("LAST P50 MS"),
      right("P99"),
      right("MAX"),
      right("P99 RATIO"),
      right("BEYOND P50"),
      right("P99"),
      right("HOME P50"),
      right("P99"),
      right("REPAIR P50"),
      right("MAX"),
    ],
    [
      ["whole", ...cells(result.whole), "-", "-"],
      ...result.cuts.map(({ kind, later, repairP50Ms, repairMaxMs }) => [
        `${cutLinks} of ${links} cut (${kind})`,
        ...cells(later),
        whole(repairP50Ms),
        whole(repairMaxMs),
      ]),
    ],
  );
  const slowest = Math.max(...result.cuts.map(({ repairMaxMs }) => repairMaxMs));
  const { p99Ms } = result.whole;
  return `${table}
${regions} regions of one member and one gateway, a process each; the largest one-way delay is ${largestMs.toFixed(1)} ms.
LAST: from a put's answer to the last of ${regions} subscribers; RATIO: to the largest delay; BEYOND: the delay
to the region farthest from the put's; HOME: to the subscriber beside it; REPAIR: LAST of puts at both ends of
links that were cut just before.
Target, whole: p99 at most ${whole(targetMs)} ms; ${whole(p99Ms)} ms, ${verdict(p99Ms, targetMs)}.
Target, cut: repair within ${whole(repairTargetMs)} ms; ${whole(slowest)} ms, ${verdict(slowest, repairTargetMs)}.
${useLine("idle", idle)}
${useLine("while putting", busy)}
`;
}

/** The mesh suite's results, a table for each number of regions. */
export function formatConvergence(results: readonly ConvergenceResult[]): string {
  return results.map(formatOne).join("\n");
}
