import type { CelFunc } from "@bufbuild/cel";
import { MAX_EXPRESSION_DEPTH } from "../../../shared/limits.js";
import { children, type Expr, offsetOf, type Parsed } from "./ast.js";
import { ENVIRONMENT } from "./environment.js";
import { ARITHMETIC, infer } from "./infer.js";

/** Something wrong in an expression; `offset` counts UTF-16 units of its text from 0. */
export interface ExpressionIssue {
  readonly reason: string;
  readonly offset: number;
}

/** The names that an expression may use. */
const VARIABLES = ["key", "parts", "value"];
const TYPE_NAMES = new Set("bool bytes double int list map null_type string type uint".split(" "));
const FUNCTIONS = functionsByName();
const IS_WORD = /^[A-Za-z]/;

interface Scope {
  /** Variables of the macros around. */
  readonly names: readonly string[];
  readonly depth: number;
  readonly inMacro: boolean;
}

/**
 * What can be found wrong in an expression without a record: unknown names and
 * functions, arithmetic that JSON's numbers can't do, and costs out of bounds.
 */
export function checkExpression(parsed: Parsed): ExpressionIssue[] {
  const issues: ExpressionIssue[] = [];
  visit(parsed.expr, { names: VARIABLES, depth: 0, inMacro: false });
  return issues;

  function report(expr: Expr, reason: string): void {
    issues.push({ reason, offset: offsetOf(parsed, expr.id) });
  }

  function visit(expr: Expr, scope: Scope): void {
    if (scope.depth > MAX_EXPRESSION_DEPTH) {
      report(expr, `is nested deeper than ${MAX_EXPRESSION_DEPTH}`);
      return;
    }
    const inner: Scope = { ...scope, depth: scope.depth + 1 };
    const node = expr.exprKind;
    if (node.case === "comprehensionExpr") {
      visitMacro(expr, inner);
      return;
    }
    if (node.case === "identExpr") checkName(expr, node.value.name, scope);
    if (node.case === "structExpr" && node.value.messageName !== "") {
      report(expr, `there are no messages such as ${node.value.messageName} here`);
    }
    if (node.case === "callExpr") {
      const { function: name, target, args } = node.value;
      if (IS_WORD.test(name) && !checkFunction(expr, name, target !== undefined, args)) return;
      checkArithmetic(expr, name, args);
    }
    for (const child of children(expr)) visit(child, inner);
  }

  /** `all`, `exists`, `exists_one`, `filter`, `map`: one walk over a list, not walks in walks. */
  function visitMacro(expr: Expr, scope: Scope): void {
    if (expr.exprKind.case !== "comprehensionExpr") return;
    const { iterRange, iterVar, iterVar2, accuVar, ...steps } = expr.exprKind.value;
    if (scope.inMacro) {
      report(expr, "a macro over a list inside another one costs too much; take one of them out");
      return;
    }
    if (iterRange !== undefined) visit(iterRange, scope);
    const names = [...scope.names, iterVar, iterVar2, accuVar];
    for (const step of [steps.accuInit, steps.loopCondition, steps.loopStep, steps.result]) {
      if (step !== undefined) visit(step, { names, depth: scope.depth, inMacro: true });
    }
  }

  function checkName(expr: Expr, name: string, scope: Scope): void {
    if (scope.names.includes(name) || TYPE_NAMES.has(name)) return;
    report(expr, `unknown name "${name}"; there are key, parts and value`);
  }

  function checkFunction(
    expr: Expr,
    name: string,
    isMethod: boolean,
    args: readonly Expr[],
  ): boolean {
    const overloads = FUNCTIONS.get(name);
    if (overloads === undefined) {
      report(expr, `unknown function "${name}"`);
      return false;
    }
    const fits = overloads.some(
      (overload) =>
        (overload.target !== undefined) === isMethod && overload.arguments.length === args.length,
    );
    if (!fits) {
      const written = isMethod ? `x.${name}` : name;
      report(expr, `${written}() doesn't take ${args.length} arguments`);
    }
    return fits;
  }

  function checkArithmetic(expr: Expr, name: string, args: readonly Expr[]): void {
    const operator = ARITHMETIC[name];
    const [left, right] = args.map(infer);
    if (operator === undefined || left === undefined || right === undefined) return;
    const either = (type: string): boolean => left === type || right === type;
    if (operator === "%" && (either("json") || either("double"))) {
      report(expr, "% needs ints, and numbers in JSON are doubles: write int(…) % 2");
    } else if (either("int") && (either("json") || either("double"))) {
      report(
        expr,
        `numbers in JSON are doubles, and ${operator} doesn't mix them with ints: write 1.0 for 1, or int(…)`,
      );
    }
  }
}

function functionsByName(): ReadonlyMap<string, readonly CelFunc[]> {
  const byName = new Map<string, CelFunc[]>();
  for (const func of ENVIRONMENT.funcs) {
    const overloads = byName.get(func.name);
    if (overloads === undefined) byName.set(func.name, [func]);
    else overloads.push(func);
  }
  return byName;
}
