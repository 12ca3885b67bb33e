import { type Expr, OPERATOR } from "./ast.js";

/**
 * What can be said of an expression's type without a record. `json`: whatever JSON
 * holds, so a double when it is a number, and never an int. `any`: nothing is known.
 */
export type Inferred =
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bool"
  | "null"
  | "bytes"
  | "list"
  | "map"
  | "json"
  | "any";

const CONSTANT: Readonly<Record<string, Inferred>> = {
  boolValue: "bool",
  bytesValue: "bytes",
  doubleValue: "double",
  int64Value: "int",
  nullValue: "null",
  stringValue: "string",
  uint64Value: "uint",
};

const RESULT: Readonly<Record<string, Inferred>> = {
  [OPERATOR.and]: "bool",
  [OPERATOR.or]: "bool",
  [OPERATOR.not]: "bool",
  [OPERATOR.equals]: "bool",
  [OPERATOR.notEquals]: "bool",
  [OPERATOR.less]: "bool",
  [OPERATOR.lessEquals]: "bool",
  [OPERATOR.greater]: "bool",
  [OPERATOR.greaterEquals]: "bool",
  "@in": "bool",
  contains: "bool",
  startsWith: "bool",
  endsWith: "bool",
  matches: "bool",
  bool: "bool",
  int: "int",
  size: "int",
  uint: "uint",
  double: "double",
  string: "string",
};

/** Operators on numbers, and how they are written. */
export const ARITHMETIC: Readonly<Record<string, string>> = {
  [OPERATOR.add]: "+",
  [OPERATOR.subtract]: "-",
  [OPERATOR.multiply]: "*",
  [OPERATOR.divide]: "/",
  [OPERATOR.modulo]: "%",
};

/** The type of an expression as far as its text tells. */
export function infer(expr: Expr): Inferred {
  const node = expr.exprKind;
  switch (node.case) {
    case "constExpr":
      return CONSTANT[node.value.constantKind.case ?? ""] ?? "any";
    case "identExpr":
      return inferName(node.value.name);
    case "selectExpr":
      if (node.value.testOnly) return "bool";
      return node.value.operand && infer(node.value.operand) === "json" ? "json" : "any";
    case "listExpr":
      return "list";
    case "structExpr":
      return "map";
    case "callExpr":
      return inferCall(node.value.function, node.value.args);
    default:
      return "any";
  }
}

function inferName(name: string): Inferred {
  if (name === "value") return "json";
  if (name === "key") return "string";
  return name === "parts" ? "list" : "any";
}

function inferCall(name: string, args: readonly Expr[]): Inferred {
  const known = RESULT[name];
  if (known !== undefined) return known;
  const [first, second, third] = args;
  if (first === undefined || second === undefined) return "any";
  if (name === OPERATOR.index) {
    if (first.exprKind.case === "identExpr" && first.exprKind.value.name === "parts") {
      return "string";
    }
    return infer(first) === "json" ? "json" : "any";
  }
  if (name === OPERATOR.conditional && third !== undefined) {
    return infer(second) === infer(third) ? infer(second) : "any";
  }
  if (name in ARITHMETIC) return infer(first) === infer(second) ? infer(first) : "any";
  return "any";
}
