import { parse } from "@bufbuild/cel";

/** A parsed CEL expression, as @bufbuild/cel gives it. */
export type Parsed = ReturnType<typeof parse>;
/** One node of it. */
export type Expr = Parsed["expr"];

/** The nodes right below a node. */
export function children(expr: Expr): Expr[] {
  const node = expr.exprKind;
  const found: (Expr | undefined)[] = [];
  switch (node.case) {
    case "selectExpr":
      found.push(node.value.operand);
      break;
    case "callExpr":
      found.push(node.value.target, ...node.value.args);
      break;
    case "listExpr":
      found.push(...node.value.elements);
      break;
    case "structExpr":
      for (const entry of node.value.entries) {
        if (entry.keyKind.case === "mapKey") found.push(entry.keyKind.value);
        found.push(entry.value);
      }
      break;
    case "comprehensionExpr": {
      const { iterRange, accuInit, loopCondition, loopStep, result } = node.value;
      found.push(iterRange, accuInit, loopCondition, loopStep, result);
      break;
    }
    case "identExpr":
    case "constExpr":
    case undefined:
      break;
  }
  return found.filter((child) => child !== undefined);
}

/** Offset of a node, by its id, in the expression's text, in UTF-16 units; 0 when unknown. */
export function offsetOf(parsed: Parsed, id: bigint | undefined): number {
  return (id === undefined ? undefined : parsed.sourceInfo?.positions[id.toString()]) ?? 0;
}

/** Operators as CEL's syntax trees name them (cel-spec, doc/langdef.md). */
export const OPERATOR = {
  and: "_&&_",
  or: "_||_",
  not: "!_",
  conditional: "_?_:_",
  index: "_[_]",
  equals: "_==_",
  notEquals: "_!=_",
  less: "_<_",
  lessEquals: "_<=_",
  greater: "_>_",
  greaterEquals: "_>=_",
  add: "_+_",
  subtract: "_-_",
  multiply: "_*_",
  divide: "_/_",
  modulo: "_%_",
} as const;
