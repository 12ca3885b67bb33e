import type { SimOptions } from "./options.js";
import type { Totals } from "./totals.js";

/** The command that shows all that happened in a world. */
export function replayCommand(seed: number, bug: string | null): string {
  const planted = bug === null ? "" : ` --bug ${bug}`;
  return `npm run sim -- --seed ${seed}${planted} --trace`;
}

/** A name of a total, as words. */
function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What came of a run, for people. */
export function textReport({ bug }: SimOptions, totals: Totals, seconds: number): string {
  const lines: string[] = [];
  for (const { seed, violation } of totals.broken) {
    lines.push(`seed ${seed}: ${violation}`, `  replay: ${replayCommand(seed, bug)}`);
  }
  const counts = Object.entries(totals.stats);
  const width = Math.max(...counts.map(([name]) => words(name).length));
  for (const [name, count] of counts) {
    lines.push(`${words(name).padEnd(width)} ${String(count).padStart(12)}`);
  }
  const rate = (totals.worlds / Math.max(seconds, 0.001)).toFixed(1);
  lines.push(
    `${totals.worlds} worlds in ${seconds.toFixed(1)} s (${rate} a second), slowest recovery ${totals.slowestRecovery} units, ${totals.broken.length} failed`,
  );
  return `${lines.join("\n")}\n`;
}

/** The same for programs: one JSON object. */
export function jsonReport(options: SimOptions, totals: Totals, seconds: number): string {
  const { first, last, bug } = options;
  const failed = totals.broken.map(({ seed, violation }) => ({
    seed,
    violation,
    replay: replayCommand(seed, bug),
  }));
  const report = {
    seeds: { first, last },
    bug,
    worlds: totals.worlds,
    seconds,
    worldsPerSecond: totals.worlds / Math.max(seconds, 0.001),
    slowestRecovery: totals.slowestRecovery,
    failed,
    totals: totals.stats,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
