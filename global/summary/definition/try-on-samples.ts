import { toBinaryKey, utf8 } from "../../../shared/bytes.js";
import { Bindings } from "../cel/bindings.js";
import type { ExpressionIssue } from "../cel/check.js";
import { type Expression, FAULT, type Scalar } from "../cel/expression.js";
import type { DefinitionIssue, SampleRecord } from "../types.js";
import type { Measure, SummaryDefinition } from "./definition.js";
import { issueAt } from "./issue.js";
import { KINDS } from "./kinds.js";

/** How one expression of a definition did on the samples. */
interface Trial {
  readonly field: string;
  readonly of: Expression;
  readonly wants: (value: Scalar) => boolean;
  readonly wanted: string;
  worked: boolean;
  failure: ExpressionIssue | undefined;
}

/**
 * Tries a definition on records as they are: a wrong number type or field name shows
 * only there. An expression is at fault when it fails on every record that it was
 * tried on, so that some odd records don't stand against a definition; what follows
 * `where` is tried on the records that it lets through. Values that aren't JSON are
 * passed over. No samples, no issues.
 */
export function tryOnSamples(
  definition: SummaryDefinition,
  samples: readonly SampleRecord[],
): DefinitionIssue[] {
  const { where } = definition;
  const first = where && trial("where", where, isBool, "is not a bool");
  const rest = [
    ...definition.groupBy.map((of, index) => trial(`groupBy.${index}`, of, isScalar, NOT_SCALAR)),
    ...definition.measures.flatMap(measureTrials),
  ];
  const record = new Bindings();
  record.below(utf8(definition.prefix).length);
  for (const { key, value } of samples) {
    record.bind(toBinaryKey(utf8(key)), utf8(value), 0);
    if (record.fault !== undefined) continue;
    if (first !== undefined && attempt(first, record) !== true) continue;
    for (const each of rest) attempt(each, record);
  }
  return [first, ...rest].flatMap((each) =>
    each === undefined || each.worked || each.failure === undefined
      ? []
      : [issueAt(each.field, each.of.text, each.failure)],
  );
}

function measureTrials({ name, kind, of, by }: Measure): Trial[] {
  const field = `measures.${name}`;
  const trials: Trial[] = [];
  if (of !== undefined) {
    const takesNumbers = KINDS[kind].takes === "numbers";
    trials.push(
      takesNumbers
        ? trial(field, of, isNumber, NOT_NUMBER)
        : trial(field, of, isScalar, NOT_SCALAR),
    );
  }
  if (by !== undefined) trials.push(trial(field, by, isNumber, NOT_NUMBER));
  return trials;
}

function attempt(each: Trial, record: Bindings): Scalar {
  const value = each.of.evaluate(record);
  if (each.wants(value)) each.worked = true;
  else each.failure ??= failureOf(each, record, value);
  return value;
}

function failureOf(each: Trial, record: Bindings, value: Scalar): ExpressionIssue {
  const explained = value === FAULT ? each.of.explain(record) : undefined;
  const { reason, offset } = explained ?? { reason: each.wanted, offset: 0 };
  return { reason: `${reason}, tried on ${record.key}`, offset };
}

function trial(
  field: string,
  of: Expression,
  wants: (value: Scalar) => boolean,
  wanted: string,
): Trial {
  return { field, of, wants, wanted, worked: false, failure: undefined };
}

const NOT_NUMBER = "is not a finite number";
const NOT_SCALAR = "is not text, a number or a bool";

const isBool = (value: Scalar): boolean => typeof value === "boolean";
const isNumber = (value: Scalar): boolean => typeof value === "number" && Number.isFinite(value);
const isScalar = (value: Scalar): boolean =>
  isBool(value) || isNumber(value) || typeof value === "string";
