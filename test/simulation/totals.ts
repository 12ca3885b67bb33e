import type { WorldResult } from "./world/run-world.js";
import { addStats, noStats, type WorldStats } from "./world/stats.js";

/** A world in which a rule did not hold. */
export interface BrokenWorld {
  readonly seed: number;
  readonly violation: string;
}

/** What came of many worlds; plain data. */
export interface Totals {
  worlds: number;
  /** Longest time that a world took to recover, in units of virtual time. */
  slowestRecovery: number;
  /** By seed. */
  broken: BrokenWorld[];
  readonly stats: WorldStats;
}

export function noTotals(): Totals {
  return { worlds: 0, slowestRecovery: 0, broken: [], stats: noStats() };
}

export function addWorld(totals: Totals, result: WorldResult): void {
  const { seed, stats, recoveryTime, violation } = result;
  totals.worlds++;
  totals.slowestRecovery = Math.max(totals.slowestRecovery, recoveryTime);
  if (violation !== null) totals.broken.push({ seed, violation });
  addStats(totals.stats, stats);
}

export function addTotals(totals: Totals, more: Totals): void {
  totals.worlds += more.worlds;
  totals.slowestRecovery = Math.max(totals.slowestRecovery, more.slowestRecovery);
  totals.broken = [...totals.broken, ...more.broken].sort((a, b) => a.seed - b.seed);
  addStats(totals.stats, more.stats);
}
