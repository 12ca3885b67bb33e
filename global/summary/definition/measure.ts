import type { MeasureKind } from "../../digest/cell.js";
import { Expression } from "../cel/expression.js";
import type { Inferred } from "../cel/infer.js";
import type { DefinitionIssue } from "../types.js";
import { type Argument, type Call, parseCall } from "./call.js";
import type { Measure } from "./definition.js";
import { issueAt } from "./issue.js";

/** Decimal digits of a sum that declares none: thousandths. */
const DEFAULT_SCALE = 3;
const MAX_SCALE = 9;

/** What a measure is taken of: finite numbers, or text, numbers and bools alike. */
export type Taken = "nothing" | "numbers" | "scalars";

interface KindRule {
  readonly form: string;
  readonly takes: Taken;
  readonly options: readonly string[];
}

const KINDS: Readonly<Record<MeasureKind, KindRule>> = {
  count: { form: "count()", takes: "nothing", options: [] },
  sum: {
    form: "sum(EXPRESSION) or sum(EXPRESSION, scale=DIGITS)",
    takes: "numbers",
    options: ["scale"],
  },
  min: { form: "min(EXPRESSION)", takes: "numbers", options: [] },
  max: { form: "max(EXPRESSION)", takes: "numbers", options: [] },
  distinct: { form: "distinct(EXPRESSION)", takes: "scalars", options: [] },
  quantiles: { form: "quantiles(EXPRESSION)", takes: "numbers", options: [] },
};

const NUMBER_TYPES: ReadonlySet<Inferred> = new Set(["json", "any", "double", "int", "uint"]);
const SCALAR_TYPES: ReadonlySet<Inferred> = new Set([...NUMBER_TYPES, "string", "bool"]);

/** What measures of a kind are taken of. */
export function takenBy(kind: MeasureKind): Taken {
  return KINDS[kind].takes;
}

function isKind(kind: string): kind is MeasureKind {
  return Object.hasOwn(KINDS, kind);
}

/** Compiles one measure, or says what is wrong with it. */
export function compileMeasure(name: string, written: string): Measure | DefinitionIssue[] {
  const field = `measures.${name}`;
  const text = written.trim();
  const fail = (reason: string, offset = 0): DefinitionIssue[] => [
    issueAt(field, text, { reason, offset }),
  ];
  const call = parseCall(text);
  if (call === undefined) return fail("is not a call such as count() or sum(value.n)");
  if (!isKind(call.kind)) {
    return fail(`unknown measure "${call.kind}"; there are ${Object.keys(KINDS).join(", ")}`);
  }
  const rule = KINDS[call.kind];
  const options = call.args.filter((arg) => arg.name !== undefined);
  const unknown = options.find((arg) => !rule.options.includes(arg.name as string));
  if (unknown !== undefined) {
    return fail(`unknown option "${unknown.name}"; write ${rule.form}`, unknown.offset);
  }
  const expressions = call.args.filter((arg) => arg.name === undefined);
  if (expressions.length !== (rule.takes === "nothing" ? 0 : 1)) return fail(`write ${rule.form}`);
  const scale = scaleOf(call.kind, options);
  if (typeof scale !== "number") return fail(scale.reason, scale.offset);
  const of = compileArgument(field, text, expressions[0], rule.takes);
  if (Array.isArray(of)) return of;
  return { name, kind: call.kind, scale, of, text: canonicalCall(call, scale) };
}

function scaleOf(
  kind: MeasureKind,
  options: readonly Argument[],
): number | { reason: string; offset: number } {
  if (kind !== "sum") return 0;
  const [option, second] = options;
  if (second !== undefined) return { reason: "scale is given twice", offset: second.offset };
  if (option === undefined) return DEFAULT_SCALE;
  const scale = /^\d+$/.test(option.text) ? Number(option.text) : Number.NaN;
  if (scale <= MAX_SCALE) return scale;
  const reason = `scale is the number of decimal digits, 0 to ${MAX_SCALE}, not "${option.text}"`;
  return { reason, offset: option.offset };
}

function compileArgument(
  field: string,
  text: string,
  argument: Argument | undefined,
  takes: Taken,
): Expression | undefined | DefinitionIssue[] {
  if (argument === undefined) return undefined;
  const inField = (reason: string, offset: number): DefinitionIssue =>
    issueAt(field, text, { reason, offset: argument.offset + offset });
  const compiled = Expression.compile(argument.text);
  if (Array.isArray(compiled)) {
    return compiled.map((issue) => inField(issue.reason, issue.offset));
  }
  const types = takes === "numbers" ? NUMBER_TYPES : SCALAR_TYPES;
  if (types.has(compiled.type)) return compiled;
  const wanted = takes === "numbers" ? "numbers" : "text, numbers or bools";
  return [inField(`its type is ${compiled.type}; a measure is taken of ${wanted}`, 0)];
}

/** The call with its scale said, so that equal measures have equal texts. */
function canonicalCall(call: Call, scale: number): string {
  const expressions = call.args.filter((arg) => arg.name === undefined).map((arg) => arg.text);
  const args = call.kind === "sum" ? [...expressions, `scale=${scale}`] : expressions;
  return `${call.kind}(${args.join(", ")})`;
}
