import type { MeasureKind } from "../../digest/cell.js";
import type { ExpressionIssue } from "../cel/check.js";
import { Expression } from "../cel/expression.js";
import type { Inferred } from "../cel/infer.js";
import type { DefinitionIssue } from "../types.js";
import { type Argument, parseCall } from "./call.js";
import type { Measure } from "./definition.js";
import { issueAt } from "./issue.js";
import { KINDS, type KindRule, type Taken } from "./kinds.js";
import { integerOption, namedArguments } from "./options.js";

const TYPES: Readonly<Record<Taken, { types: ReadonlySet<Inferred>; wanted: string }>> = {
  numbers: { types: new Set(["json", "any", "double", "int", "uint"]), wanted: "numbers" },
  scalars: {
    types: new Set(["json", "any", "double", "int", "uint", "string", "bool"]),
    wanted: "text, numbers or bools",
  },
};

/** Compiles one measure, or says what is wrong with it. */
export function compileMeasure(name: string, written: string): Measure | DefinitionIssue[] {
  const text = written.trim();
  const compiled = compile(text);
  if ("reason" in compiled) return [issueAt(`measures.${name}`, text, compiled)];
  if (Array.isArray(compiled)) {
    return compiled.map((issue) => issueAt(`measures.${name}`, text, issue));
  }
  return { name, ...compiled };
}

function compile(text: string): Omit<Measure, "name"> | ExpressionIssue | ExpressionIssue[] {
  const call = parseCall(text);
  if (call === undefined) {
    return { reason: "is not a call such as count() or sum(value.n)", offset: 0 };
  }
  const { kind } = call;
  if (!isKind(kind)) {
    const known = Object.keys(KINDS).join(", ");
    return { reason: `unknown measure "${kind}"; there are ${known}`, offset: 0 };
  }
  const rule: KindRule = KINDS[kind];
  const known = [rule.by, rule.scale, rule.limit].filter((option) => option !== undefined);
  const options = namedArguments(call.args, known, rule.form);
  if ("reason" in options) return options;
  const expressions = call.args.filter((arg) => arg.name === undefined);
  if (expressions.length !== (rule.takes === undefined ? 0 : 1)) {
    return { reason: `write ${rule.form}`, offset: 0 };
  }
  const scale = scaleOf(rule, options);
  if (typeof scale !== "number") return scale;
  const limit = rule.limit === undefined ? 0 : integerOption(rule.limit, options.get(rule.limit));
  if (typeof limit !== "number") return limit;
  const of = compileArgument(expressions[0], rule.takes);
  if (Array.isArray(of)) return of;
  const by = compileArgument(rule.by === undefined ? undefined : options.get(rule.by), "numbers");
  if (Array.isArray(by)) return by;
  return { kind, scale, limit, of, by, text: canonicalText(kind, rule, { scale, limit, of, by }) };
}

function isKind(kind: string): kind is MeasureKind {
  return Object.hasOwn(KINDS, kind);
}

/** The decimal digits of what a measure adds up; 0 when that is whole numbers. */
function scaleOf(rule: KindRule, options: ReadonlyMap<string, Argument>): number | ExpressionIssue {
  if (rule.scale === undefined) return 0;
  const written = options.get(rule.scale);
  if (rule.by === undefined || options.has(rule.by)) return integerOption(rule.scale, written);
  if (written === undefined) return 0;
  return { reason: `${rule.scale} is of weights; there are none`, offset: written.offset };
}

function compileArgument(
  argument: Argument | undefined,
  takes: Taken | undefined,
): Expression | undefined | ExpressionIssue[] {
  if (argument === undefined || takes === undefined) return undefined;
  const compiled = Expression.compile(argument.text);
  if (Array.isArray(compiled)) {
    return compiled.map(({ reason, offset }) => ({ reason, offset: argument.offset + offset }));
  }
  const { types, wanted } = TYPES[takes];
  if (types.has(compiled.type)) return compiled;
  const reason = `its type is ${compiled.type}; a measure is taken of ${wanted}`;
  return [{ reason, offset: argument.offset }];
}

/** The measure with all its options said, in one order, so that equal measures have equal texts. */
function canonicalText(
  kind: MeasureKind,
  rule: KindRule,
  { of, by, scale, limit }: Pick<Measure, "of" | "by" | "scale" | "limit">,
): string {
  const args = of === undefined ? [] : [of.text];
  if (rule.limit !== undefined) args.push(`${rule.limit}=${limit}`);
  if (by !== undefined) args.push(`${rule.by}=${by.text}`);
  const adds = rule.scale !== undefined && (rule.by === undefined || by !== undefined);
  if (adds) args.push(`${rule.scale}=${scale}`);
  return `${kind}(${args.join(", ")})`;
}
