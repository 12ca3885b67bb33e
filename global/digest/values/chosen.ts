import { malformed } from "../wire-check.js";
import {
  checkNumber,
  checkValue,
  decodeValue,
  numberOf,
  orderedNumber,
  type Value,
  type ValueCode,
} from "./value-code.js";

const ORDER_UNITS = 8;

/**
 * A value behind the number that it is chosen by: `latest` is the one with the greatest
 * number, and of equal ones the greatest value, so it is the greatest of these codes.
 */
export function encodeDated(order: number, code: ValueCode): string {
  return orderedNumber(order) + code;
}

/** Throws INVALID_ARGUMENT unless it is one of `encodeDated`'s. */
export function checkDated(packed: string, where: string): void {
  if (packed.length <= ORDER_UNITS) malformed(where, "ends too early");
  checkNumber(packed.slice(0, ORDER_UNITS), where);
  checkValue(packed.slice(ORDER_UNITS), where);
}

export function decodeDated(packed: string): { value: Value; order: number } {
  return {
    value: decodeValue(packed.slice(ORDER_UNITS)),
    order: numberOf(packed.slice(0, ORDER_UNITS)),
  };
}

/** The greatest of some codes: a join. */
export function greatest(codes: readonly string[]): string {
  return codes.reduce((most, code) => (code > most ? code : most));
}
