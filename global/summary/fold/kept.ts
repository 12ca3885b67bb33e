import { MAX_VALUE_BYTES } from "../../../shared/limits.js";
import { hashBool, hashNumber, hashText } from "../../digest/sketch/hash64.js";
import { registerOf } from "../../digest/sketch/hyperloglog.js";
import { encodeValue, type ValueCode } from "../../digest/values/value-code.js";
import type { Scalar } from "../cel/expression.js";

/** What is wrong with a result that a measure can't take. */
export const NOT_SCALAR = "is not text, a number or a bool";
export const NOT_NUMBER = "is not a finite number";
export const NOT_WEIGHT = "is not a finite number from 0";
const TOO_LONG = `is longer than the ${MAX_VALUE_BYTES - 1} bytes that a measure shows`;

/** The HyperLogLog register that a value raises, and how far; undefined for what is no scalar. */
export function registerOfValue(value: Scalar): number | undefined {
  switch (typeof value) {
    case "string":
      return hashText(value, registerOf);
    case "boolean":
      return hashBool(value, registerOf);
    case "number":
      return Number.isFinite(value) ? hashNumber(value, registerOf) : undefined;
    default:
      return undefined;
  }
}

/** A value's code; undefined for what is no scalar or is too long. */
export function codeOfValue(value: Scalar): ValueCode | undefined {
  if (typeof value === "symbol") return undefined;
  if (typeof value === "number" && !Number.isFinite(value)) return undefined;
  if (typeof value === "string" && value.length >= MAX_VALUE_BYTES) return undefined;
  const code = encodeValue(value);
  return code.length > MAX_VALUE_BYTES ? undefined : code;
}

/** Why a value has no code. */
export function whyNoCode(value: Scalar): string {
  return typeof value === "string" ? TOO_LONG : NOT_SCALAR;
}
