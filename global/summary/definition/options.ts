import { MAX_LISTED_VALUES } from "../../../shared/limits.js";
import type { ExpressionIssue } from "../cel/check.js";
import type { Argument } from "./call.js";

/** Decimal digits of a sum that declares none: thousandths. */
const DEFAULT_SCALE = 3;
const MAX_SCALE = 9;

/** A measure's options that are whole numbers: what they may be, and what they are when not said. */
const INTEGER_OPTIONS = {
  scale: {
    from: 0,
    to: MAX_SCALE,
    otherwise: DEFAULT_SCALE,
    means: "the number of decimal digits",
  },
  limit: {
    from: 1,
    to: MAX_LISTED_VALUES,
    otherwise: 32,
    means: "how many values it lists at most",
  },
  k: { from: 1, to: MAX_LISTED_VALUES, otherwise: 10, means: "how many values it lists at most" },
} as const;

export type IntegerOption = keyof typeof INTEGER_OPTIONS;

/** The named arguments of a measure, each once and known, or what is wrong with them. */
export function namedArguments(
  args: readonly Argument[],
  known: readonly string[],
  form: string,
): ReadonlyMap<string, Argument> | ExpressionIssue {
  const named = new Map<string, Argument>();
  for (const arg of args) {
    if (arg.name === undefined) continue;
    const { name, offset } = arg;
    if (!known.includes(name)) return { reason: `unknown option "${name}"; write ${form}`, offset };
    if (named.has(name)) return { reason: `${name} is given twice`, offset };
    named.set(name, arg);
  }
  return named;
}

/** The number that an option says, or what is wrong with it. */
export function integerOption(
  name: IntegerOption,
  written: Argument | undefined,
): number | ExpressionIssue {
  const { from, to, otherwise, means } = INTEGER_OPTIONS[name];
  if (written === undefined) return otherwise;
  const value = /^\d+$/.test(written.text) ? Number(written.text) : Number.NaN;
  if (value >= from && value <= to) return value;
  const reason = `${name} is ${means}, ${from} to ${to}, not "${written.text}"`;
  return { reason, offset: written.offset };
}
