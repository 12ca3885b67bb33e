import { utf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";

/** Throws what a receiver says of a message that breaks the contract: where, and what. */
export function malformed(where: string, what: string): never {
  throw new AtollError("INVALID_ARGUMENT", `${where} ${what}`);
}

/** A uint64 as a safe integer of at least `min`. */
export function integer(value: bigint, min: number, where: string): number {
  const number = Number(value);
  if (number < min || number > Number.MAX_SAFE_INTEGER) {
    malformed(where, `is ${value}; it must be from ${min} to 2^53 - 1`);
  }
  return number;
}

/** Bytes of one of the given lengths. */
export function bytes(value: Uint8Array, lengths: readonly number[], where: string): Uint8Array {
  if (!lengths.includes(value.length)) {
    malformed(where, `has ${value.length} bytes; it must have ${lengths.join(" or ")}`);
  }
  return value;
}

/** A list with a bound. */
export function list<T>(values: readonly T[], max: number, where: string): readonly T[] {
  if (values.length > max) {
    malformed(where, `has ${values.length} elements; at most ${max} are allowed`);
  }
  return values;
}

/** A text with a bound on its UTF-8 bytes. */
export function text(value: string, max: number, where: string): string {
  if (value.length > max || (value.length * 3 > max && utf8(value).length > max)) {
    malformed(where, `is longer than ${max} bytes`);
  }
  return value;
}

const REGION_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const SUMMARY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The name of a region, as topologies allow it. */
export function regionName(value: string, where: string): string {
  if (!REGION_NAME.test(value)) malformed(where, `${JSON.stringify(value)} is not a region's name`);
  return value;
}

/** Whether a text can name a summary. */
export function isSummaryName(value: string): boolean {
  return SUMMARY_NAME.test(value);
}

/** The name of a summary. */
export function summaryName(value: string, where: string): string {
  if (!isSummaryName(value)) {
    malformed(where, `${JSON.stringify(value)} is not a summary's name`);
  }
  return value;
}
