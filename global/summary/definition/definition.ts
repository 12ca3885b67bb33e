import type { MeasureDescriptor } from "../../digest/cell.js";
import type { Expression } from "../cel/expression.js";

/** One measure, compiled. */
export interface Measure extends MeasureDescriptor {
  /** As the definition has it, without surrounding space. */
  readonly text: string;
  /** What it is taken of; undefined for `count()`. */
  readonly of: Expression | undefined;
  /** What `latest` chooses by, or `top` weighs by; undefined where that isn't said. */
  readonly by: Expression | undefined;
}

/** A summary definition, checked and compiled. */
export interface SummaryDefinition {
  readonly name: string;
  /** Keys that begin with it are the records. */
  readonly prefix: string;
  readonly where: Expression | undefined;
  readonly groupBy: readonly Expression[];
  readonly measures: readonly Measure[];
}

/**
 * The definition as one canonical text: JSON with fields in a fixed order and
 * measures in the definition's. Equal texts fold equal records to equal groups, so
 * its hash says whether regions publish the same definition.
 */
export function canonicalText(definition: SummaryDefinition): string {
  const { name, prefix, where, groupBy, measures } = definition;
  return JSON.stringify({
    name,
    prefix,
    where: where?.text ?? null,
    groupBy: groupBy.map((expression) => expression.text),
    measures: measures.map((measure) => [measure.name, measure.text]),
  });
}
