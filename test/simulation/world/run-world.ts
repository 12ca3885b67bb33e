import { LEAST_FAULTS, LEAST_OPERATIONS } from "./settings.js";
import type { WorldStats } from "./stats.js";
import { Violation } from "./violation.js";
import { World } from "./world.js";
import type { TraceSink } from "./world-clock.js";

/** What came of one world; plain data. */
export interface WorldResult {
  readonly seed: number;
  readonly profile: string;
  readonly stats: WorldStats;
  /** Hash of everything that happened, in order. */
  readonly traceHash: number;
  /** Virtual time that recovery took, once faults had ended. */
  readonly recoveryTime: number;
  /** The property that did not hold, and how; null if all did. */
  readonly violation: string | null;
}

function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Violation("no crash of the core", text);
}

/** What `run` gives, or the violation that it throws. */
function attempt<T>(run: () => T): T | Violation {
  try {
    return run();
  } catch (error) {
    return asViolation(error);
  }
}

/** Runs one world to its end. */
export function runWorld(seed: number, trace?: TraceSink): WorldResult {
  const world = new World(seed, trace);
  const { stats, settings } = world;
  const recovery = attempt(() => world.run());
  const violations: Violation[] = [];
  if (recovery instanceof Violation) violations.push(recovery);
  else if (stats.operations < LEAST_OPERATIONS || stats.faults < LEAST_FAULTS) {
    const had = `${stats.operations} operations and ${stats.faults} faults`;
    violations.push(new Violation("a busy world", `there were only ${had}`));
  }
  // What clients were told tells of a mistake in its own way, whatever else was found.
  const history = attempt(() => world.checkHistory());
  if (history instanceof Violation) violations.push(history);
  return {
    seed,
    profile: settings.profile,
    stats,
    traceHash: world.traceHash,
    recoveryTime: recovery instanceof Violation ? 0 : recovery,
    violation: violations.length === 0 ? null : violations.map(({ message }) => message).join("\n"),
  };
}
