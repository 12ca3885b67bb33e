import { type Expr, OPERATOR } from "./ast.js";
import type { Bindings, Json } from "./bindings.js";

/**
 * What a quick evaluation gives when CEL would give an error. Why is found by
 * evaluating again with CEL, which is done for a bounded sample only.
 */
export const FAULT = Symbol("CEL error");

/** A value as CEL would give it; objects and arrays stand for maps and lists. */
export type Quick = Json | typeof FAULT;
type Evaluate = (record: Bindings) => Quick;

/**
 * Compiles the expressions that most definitions consist of (fields of the value,
 * parts of the key, comparisons with constants, `has`, `&&`, `||`, `!`, `?:`) to
 * closures over plain JSON, some times faster than the general evaluator. Undefined
 * for every other expression. Equal to CEL in all results; a property test holds that.
 */
export function compileFast(expr: Expr): Evaluate | undefined {
  const node = expr.exprKind;
  switch (node.case) {
    case "constExpr": {
      const constant = constantOf(expr);
      return constant === undefined ? undefined : () => constant.value;
    }
    case "identExpr":
      if (node.value.name === "value") return (record) => record.json;
      return node.value.name === "key" ? (record) => record.key : undefined;
    case "selectExpr":
      return compileSelect(node.value.operand, node.value.field, node.value.testOnly);
    case "callExpr":
      return node.value.target === undefined
        ? compileCall(node.value.function, node.value.args)
        : undefined;
    default:
      return undefined;
  }
}

function compileSelect(
  operand: Expr | undefined,
  field: string,
  test: boolean,
): Evaluate | undefined {
  const inner = operand && isPath(operand) ? compileFast(operand) : undefined;
  if (inner === undefined) return undefined;
  if (!test) return (record) => select(inner(record), field);
  return (record) => {
    const object = inner(record);
    if (object === FAULT) return FAULT;
    const found = select(object, field);
    // The library's has() is false for a field that is null.
    return found !== FAULT && found !== null;
  };
}

/** Whether an expression is `value`, or a field of a field … of it. */
function isPath(expr: Expr): boolean {
  const node = expr.exprKind;
  if (node.case === "identExpr") return node.value.name === "value";
  if (node.case !== "selectExpr" || node.value.testOnly) return false;
  return node.value.operand !== undefined && isPath(node.value.operand);
}

function select(object: Quick, field: string): Quick {
  if (typeof object !== "object" || object === null || Array.isArray(object)) return FAULT;
  return Object.hasOwn(object, field) ? ((object as Record<string, Json>)[field] as Json) : FAULT;
}

function compileCall(name: string, args: readonly Expr[]): Evaluate | undefined {
  if (name === OPERATOR.index) return compileIndex(args);
  const compiled = args.map(compileFast);
  const parts = compiled.filter((part) => part !== undefined);
  if (parts.length !== args.length) return undefined;
  const [first, second, third] = parts;
  switch (name) {
    case OPERATOR.and:
      return (record) => junction(record, parts, false);
    case OPERATOR.or:
      return (record) => junction(record, parts, true);
    case OPERATOR.not:
      return first && ((record) => negate(first(record)));
    case OPERATOR.conditional:
      if (!first || !second || !third) return undefined;
      return (record) => {
        const condition = first(record);
        if (condition === true) return second(record);
        return condition === false ? third(record) : FAULT;
      };
    default:
      return compileComparison(name, args);
  }
}

/** `parts[N]` with a constant N. */
function compileIndex(args: readonly Expr[]): Evaluate | undefined {
  const [list, index] = args;
  if (list?.exprKind.case !== "identExpr" || list.exprKind.value.name !== "parts") return undefined;
  const constant = index && constantOf(index);
  if (typeof constant?.value !== "number" || !constant.isInt) return undefined;
  const at = constant.value;
  return (record) => record.parts[at] ?? FAULT;
}

function negate(value: Quick): Quick {
  return typeof value === "boolean" ? !value : FAULT;
}

/** `&&` (absorbing false) and `||` (absorbing true): one absorbing side wins over an error. */
function junction(record: Bindings, parts: readonly Evaluate[], absorbing: boolean): Quick {
  let faulty = false;
  for (const part of parts) {
    const value = part(record);
    if (value === absorbing) return absorbing;
    if (typeof value !== "boolean") faulty = true;
  }
  return faulty ? FAULT : !absorbing;
}

type Compare = (left: number | string, right: number | string) => boolean;

const RELATIONS: Readonly<Record<string, Compare>> = {
  [OPERATOR.less]: (left, right) => left < right,
  [OPERATOR.lessEquals]: (left, right) => left <= right,
  [OPERATOR.greater]: (left, right) => left > right,
  [OPERATOR.greaterEquals]: (left, right) => left >= right,
};

/** A comparison of anything with a constant on its right. */
function compileComparison(name: string, args: readonly Expr[]): Evaluate | undefined {
  const left = args[0] && compileFast(args[0]);
  const constant = args[1] && constantOf(args[1]);
  if (left === undefined || constant === undefined || args.length !== 2) return undefined;
  const right = constant.value;
  if (name === OPERATOR.equals || name === OPERATOR.notEquals) {
    const equal = name === OPERATOR.equals;
    return (record) => {
      const value = left(record);
      return value === FAULT ? FAULT : (value === right) === equal;
    };
  }
  const compare = RELATIONS[name];
  if (compare === undefined || (typeof right !== "number" && typeof right !== "string")) {
    return undefined;
  }
  return (record) => {
    const value = left(record);
    if (typeof value === "number" && typeof right === "number") return compare(value, right);
    if (typeof value === "string" && typeof right === "string") return compare(value, right);
    return FAULT;
  };
}

/** A constant as plain JSON; an integer beyond 2^53 is left to CEL. */
function constantOf(expr: Expr): { value: Json; isInt: boolean } | undefined {
  if (expr.exprKind.case !== "constExpr") return undefined;
  const kind = expr.exprKind.value.constantKind;
  switch (kind.case) {
    case "boolValue":
    case "stringValue":
    case "doubleValue":
      return { value: kind.value, isInt: false };
    case "nullValue":
      return { value: null, isInt: false };
    case "int64Value": {
      const value = Number(kind.value);
      return Number.isSafeInteger(value) ? { value, isInt: true } : undefined;
    }
    default:
      return undefined;
  }
}
