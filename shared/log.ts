import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger };

/** The levels a process can be started with. Policy: CONTRIBUTING.md, Logs. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A process's root logger: JSON lines on standard output, or on `destination`.
 * `bindings` (region, member, …) stand in each line.
 */
export function createLogger(
  level: LogLevel,
  bindings: Record<string, string>,
  destination?: DestinationStream,
): Logger {
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime };
  return destination === undefined ? pino(options) : pino(options, destination);
}
