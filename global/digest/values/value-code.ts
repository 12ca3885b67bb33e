import { toBinaryKey, utf8 } from "../../../shared/bytes.js";
import { MAX_VALUE_BYTES } from "../../../shared/limits.js";
import { malformed } from "../wire-check.js";

/** A plain value that a measure may show. Numbers are finite. */
export type Value = string | number | boolean;

/**
 * A value as a binary string whose order is the values': false, true, numbers by size,
 * text by its UTF-8 bytes. A tag; then for a number its big-endian double, with the sign
 * bit flipped if it is positive, else all bits; for text its UTF-8.
 */
export type ValueCode = string;

const TAG = { false: "\x01", true: "\x02", number: "\x03", text: "\x04" } as const;
const NUMBER_BYTES = 8;
const NOT_ASCII = /[^\0-\x7f]/;

const double = new DataView(new ArrayBuffer(NUMBER_BYTES));

/** A value's code. */
export function encodeValue(value: Value): ValueCode {
  if (typeof value === "boolean") return value ? TAG.true : TAG.false;
  if (typeof value === "number") return TAG.number + orderedNumber(value);
  return TAG.text + (NOT_ASCII.test(value) ? toBinaryKey(utf8(value)) : value);
}

/** The value of a code that is known to be one. */
export function decodeValue(code: ValueCode): Value {
  switch (code[0]) {
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.number:
      return numberOf(code.slice(1));
    default:
      return textOf(code) as string;
  }
}

/** Throws INVALID_ARGUMENT unless the code is one of `encodeValue`'s. */
export function checkValue(code: ValueCode, where: string): void {
  const ownBytes = code.length - 1;
  switch (code[0]) {
    case TAG.false:
    case TAG.true:
      if (ownBytes > 0) malformed(where, "has a bool with more behind it");
      return;
    case TAG.number:
      checkNumber(code.slice(1), where);
      return;
    case TAG.text:
      if (code.length > MAX_VALUE_BYTES) {
        malformed(
          where,
          `has a value of ${code.length} bytes; at most ${MAX_VALUE_BYTES} are allowed`,
        );
      }
      if (textOf(code) === undefined) malformed(where, "has text that isn't UTF-8");
      return;
    default:
      malformed(where, "has a value of an unknown kind");
  }
}

/** A finite number as 8 units whose order is the numbers'; −0 is 0. */
export function orderedNumber(value: number): string {
  double.setFloat64(0, value + 0);
  const high = double.getUint32(0);
  const negative = high >= 0x80000000;
  double.setUint32(0, negative ? ~high : high ^ 0x80000000);
  if (negative) double.setUint32(4, ~double.getUint32(4));
  let units = "";
  for (let at = 0; at < NUMBER_BYTES; at++) units += String.fromCharCode(double.getUint8(at));
  return units;
}

/** The number of such units. */
export function numberOf(units: string): number {
  for (let at = 0; at < NUMBER_BYTES; at++) double.setUint8(at, units.charCodeAt(at));
  const high = double.getUint32(0);
  const negative = high < 0x80000000;
  double.setUint32(0, negative ? ~high : high ^ 0x80000000);
  if (negative) double.setUint32(4, ~double.getUint32(4));
  return double.getFloat64(0);
}

/** Throws INVALID_ARGUMENT unless the units are those of a finite number. */
export function checkNumber(units: string, where: string): void {
  const value = units.length === NUMBER_BYTES ? numberOf(units) : Number.NaN;
  if (!Number.isFinite(value) || orderedNumber(value) !== units) {
    malformed(where, "has a number that isn't finite, or not in canonical form");
  }
}

/** The text of a code; undefined when it isn't UTF-8. */
function textOf(code: ValueCode): string | undefined {
  const text = code.slice(1);
  if (!NOT_ASCII.test(text)) return text;
  try {
    const bytes = Uint8Array.from(text, (unit) => unit.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
