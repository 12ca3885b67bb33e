import { AtollError } from "../../shared/errors.js";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** Milliseconds of "250ms", "3s" or "2m". Throws INVALID_ARGUMENT naming the option. */
export function durationMs(text: string, option: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) {
    throw new AtollError("INVALID_ARGUMENT", `${option}: ${text} is not like 250ms, 3s or 2m`);
  }
  return Math.round(Number(amount) * factor);
}
