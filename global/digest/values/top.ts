import { toBinaryKey } from "../../../shared/bytes.js";
import { MAX_LISTED_VALUES } from "../../../shared/limits.js";
import { ByteWriter } from "../byte-writer.js";
import { PackedReader } from "../packed-reader.js";
import { checkValue, type ValueCode } from "./value-code.js";

/** A value and what it weighs, in units of 10^-scale. */
export interface Weighed {
  readonly code: ValueCode;
  /** It weighs at least this: a safe integer from 0. */
  readonly weight: number;
  /** It may weigh this much more; 0 in one region's own cell. */
  readonly error: number;
}

/** The heaviest values. */
export interface Top {
  /** By weight, the heaviest first, then by the values' order. */
  readonly entries: readonly Weighed[];
  /** No value that isn't among the entries weighs more. */
  readonly unlisted: number;
}

const writer = new ByteWriter();

/** The order of a top's entries. */
export function compareWeighed(
  a: { readonly weight: number; readonly code: ValueCode },
  b: { readonly weight: number; readonly code: ValueCode },
): number {
  if (a.weight !== b.weight) return b.weight - a.weight;
  return a.code < b.code ? -1 : a.code > b.code ? 1 : 0;
}

export function packTop({ entries, unlisted }: Top): string {
  writer.reset();
  writer.varint(unlisted);
  for (const { code, weight, error } of entries) {
    writer.varint(weight);
    writer.varint(error);
    writer.varint(code.length);
    writer.binary(code);
  }
  return toBinaryKey(writer.written());
}

/** Throws INVALID_ARGUMENT unless the bytes are canonical. */
export function readTop(packed: string, where: string): Top {
  const reader = new PackedReader(packed, where);
  const unlisted = reader.varint();
  const entries: Weighed[] = [];
  const seen = new Set<ValueCode>();
  while (!reader.atEnd) {
    const weight = reader.varint();
    const error = reader.varint();
    const code = reader.text(reader.varint());
    checkValue(code, where);
    const entry = { code, weight, error };
    const before = entries.at(-1);
    if (before !== undefined && compareWeighed(before, entry) >= 0) {
      reader.fail("has values out of order");
    }
    if (seen.has(code)) reader.fail("has a value twice");
    seen.add(code);
    entries.push(entry);
  }
  return { entries, unlisted };
}

/** Throws INVALID_ARGUMENT unless the bytes are those of one region's own cell. */
export function checkTop(packed: string, where: string): void {
  const { entries, unlisted } = readTop(packed, where);
  const reader = new PackedReader(packed, where);
  if (entries.length > MAX_LISTED_VALUES) reader.fail(`has more than ${MAX_LISTED_VALUES} values`);
  if (entries.some(({ error }) => error > 0)) reader.fail("has a weight that isn't exact");
  if (unlisted > (entries.at(-1)?.weight ?? 0)) {
    reader.fail("leaves out a value that is heavier than one of its own");
  }
}

/**
 * The tops of several regions as one. A value that a region doesn't list weighs there
 * from 0 to what the region leaves out at most; that is added to its error. Nothing is cut
 * off, so that merging in steps comes to the same.
 */
export function mergeTops(parts: readonly string[]): string {
  const tops = parts.map((part) => readTop(part, "top"));
  const unlisted = tops.reduce((total, top) => total + top.unlisted, 0);
  const merged = new Map<ValueCode, { weight: number; error: number }>();
  for (const top of tops) {
    for (const { code, weight, error } of top.entries) {
      const own = merged.get(code) ?? { weight: 0, error: unlisted };
      own.weight += weight;
      own.error += error - top.unlisted;
      merged.set(code, own);
    }
  }
  const entries = [...merged].map(([code, { weight, error }]) => ({
    code,
    weight: bounded(weight),
    error: bounded(error),
  }));
  return packTop({ entries: entries.sort(compareWeighed), unlisted: bounded(unlisted) });
}

/** Only what peers make up can add to so much. */
function bounded(weight: number): number {
  return Math.max(0, Math.min(weight, Number.MAX_SAFE_INTEGER));
}
