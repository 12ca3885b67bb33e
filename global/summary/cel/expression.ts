import { isCelError, isCelUint, parse, plan } from "@bufbuild/cel";
import { errorText } from "../../../shared/errors.js";
import { MAX_EXPRESSION_CHARS } from "../../../shared/limits.js";
import { offsetOf, type Parsed } from "./ast.js";
import type { Bindings } from "./bindings.js";
import { checkExpression, type ExpressionIssue } from "./check.js";
import { ENVIRONMENT } from "./environment.js";
import { compileFast, FAULT } from "./fast.js";
import { type Inferred, infer } from "./infer.js";

export { FAULT };

/** A CEL result that a summary can use; FAULT for an error, OTHER for everything else. */
export type Scalar = string | number | boolean | typeof FAULT | typeof OTHER;

/** A list, map, null, timestamp or the like: nothing that can be grouped, added or tested. */
export const OTHER = Symbol("not a scalar");

/** What @bufbuild/cel's syntax errors begin with; the position is told apart. */
const SYNTAX_PREFIX = /^(syntax error )?<input>:\d+:\d+: /;
const MAX_REASON_CHARS = 120;

/** A CEL expression, compiled once and evaluated for each record. */
export class Expression {
  readonly text: string;
  readonly type: Inferred;
  readonly #parsed: Parsed;
  readonly #evaluate: (record: Bindings) => unknown;
  readonly #general: (record: Bindings) => unknown;

  private constructor(text: string, parsed: Parsed) {
    this.text = text;
    this.type = infer(parsed.expr);
    this.#parsed = parsed;
    const planned = plan(ENVIRONMENT, parsed);
    this.#general = (record) => planned(record as unknown as Parameters<typeof planned>[0]);
    this.#evaluate = compileFast(parsed.expr) ?? this.#general;
  }

  /** Compiles a text, or says what is wrong with it. */
  static compile(text: string): Expression | ExpressionIssue[] {
    if (text.trim() === "") return [{ reason: "the expression is empty", offset: 0 }];
    if (text.length > MAX_EXPRESSION_CHARS) {
      const reason = `the expression has ${text.length} characters; the limit is ${MAX_EXPRESSION_CHARS}`;
      return [{ reason, offset: 0 }];
    }
    let parsed: Parsed;
    try {
      parsed = parse(text);
    } catch (error) {
      return [syntaxIssue(error)];
    }
    const issues = checkExpression(parsed);
    if (issues.length > 0) return issues;
    try {
      return new Expression(text, parsed);
    } catch (error) {
      return [{ reason: errorText(error), offset: 0 }];
    }
  }

  /** Evaluates for one record. An int or uint becomes a number, the nearest double. */
  evaluate(record: Bindings): Scalar {
    const result = this.#evaluate(record);
    switch (typeof result) {
      case "string":
      case "number":
      case "boolean":
        return result;
      case "bigint":
        return Number(result);
      default:
        if (result === FAULT || isCelError(result)) return FAULT;
        return isCelUint(result) ? Number(result.value) : OTHER;
    }
  }

  /** Why evaluating a record fails, and where; undefined when it doesn't. */
  explain(record: Bindings): ExpressionIssue | undefined {
    const result = this.#general(record);
    if (!isCelError(result)) return undefined;
    return { reason: result.message, offset: offsetOf(this.#parsed, result.exprId) };
  }
}

function syntaxIssue(error: unknown): ExpressionIssue {
  if (error instanceof RangeError) return { reason: "is nested too deeply", offset: 0 };
  const located = error as { location?: { start?: { offset?: number } } };
  const reason = errorText(error).replace(SYNTAX_PREFIX, "");
  return {
    reason: `syntax error: ${reason.length > MAX_REASON_CHARS ? `${reason.slice(0, MAX_REASON_CHARS)}…` : reason}`,
    offset: located.location?.start?.offset ?? 0,
  };
}
