import { MAX_GROUP_KEY_BYTES } from "../../../shared/limits.js";
import type { GroupKey } from "../../digest/cell.js";
import { encodeDated } from "../../digest/values/chosen.js";
import type { ValueCode } from "../../digest/values/value-code.js";
import type { Bindings } from "../cel/bindings.js";
import { type Expression, FAULT, type Scalar } from "../cel/expression.js";
import type { SummaryDefinition } from "../definition/definition.js";
import { formatIssue, issueAt } from "../definition/issue.js";
import { type Column, type ColumnPlan, planColumns } from "./columns.js";
import {
  codeOfValue,
  NOT_NUMBER,
  NOT_SCALAR,
  NOT_WEIGHT,
  registerOfValue,
  whyNoCode,
} from "./kept.js";

/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** What a record is to a summary; a problem's text is worked out only where it is shown. */
export type Verdict = "counted" | "not matching" | { readonly problem: () => string };

/**
 * Evaluates a definition for one record after another: whether it counts, its group,
 * and what its row keeps.
 */
export class Evaluator {
  readonly #definition: SummaryDefinition;
  readonly plan: ColumnPlan;
  /** Of the last record that counted. */
  groupKey: GroupKey = "";
  /** One for each column; not filled where the column keeps a value. */
  readonly values: Float64Array;
  /** The codes of columns that keep values, in the columns' places. */
  readonly codes: ValueCode[];

  constructor(definition: SummaryDefinition) {
    this.#definition = definition;
    this.plan = planColumns(definition);
    this.values = new Float64Array(this.plan.columns.length);
    this.codes = this.plan.columns.map(() => "");
  }

  /** Looks at one record; fills `groupKey`, `values` and `codes` when it counts. */
  evaluate(record: Bindings): Verdict {
    const fault = record.fault;
    if (fault !== undefined) return { problem: () => fault };
    const { where } = this.#definition;
    if (where !== undefined) {
      const matches = where.evaluate(record);
      if (matches === false) return "not matching";
      if (matches !== true) return problem("where", where, record, "is not a bool");
    }
    return this.#group(record) ?? this.#measure(record) ?? "counted";
  }

  #group(record: Bindings): Verdict | undefined {
    const { groupBy } = this.#definition;
    let key = "[";
    for (let i = 0; i < groupBy.length; i++) {
      const expression = groupBy[i] as Expression;
      const value = canonical(expression.evaluate(record));
      if (value === undefined) {
        return problem(`groupBy.${i}`, expression, record, NOT_SCALAR);
      }
      key += i === 0 ? value : `,${value}`;
    }
    this.groupKey = `${key}]`;
    return this.groupKey.length * MAX_BYTES_PER_UNIT > MAX_GROUP_KEY_BYTES
      ? tooLong(this.groupKey)
      : undefined;
  }

  #measure(record: Bindings): Verdict | undefined {
    const { columns } = this.plan;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as Column;
      const value = column.of.evaluate(record);
      if (column.keeps !== "number") {
        const wrong = this.#keep(i, column, value, record);
        if (wrong !== undefined) return wrong;
        continue;
      }
      if (typeof value !== "number" || !Number.isFinite(value)) {
        return problem(column.field, column.of, record, NOT_NUMBER);
      }
      this.values[i] = value + 0;
    }
    return undefined;
  }

  /** Fills a column that doesn't keep the number itself. */
  #keep(at: number, column: Column, value: Scalar, record: Bindings): Verdict | undefined {
    const { keeps, field, of } = column;
    if (keeps === "register") {
      const register = registerOfValue(value);
      if (register === undefined) return problem(field, of, record, NOT_SCALAR);
      this.values[at] = register;
      return undefined;
    }
    if (keeps === "weight") {
      const isWeight = typeof value === "number" && value >= 0 && Number.isFinite(value);
      if (!isWeight) return problem(field, of, record, NOT_WEIGHT);
      this.values[at] = value + 0;
      return undefined;
    }
    const code = codeOfValue(value);
    if (code === undefined) return problem(field, of, record, whyNoCode(value));
    this.codes[at] = code;
    return keeps === "dated" ? this.#date(at, column, code, record) : undefined;
  }

  /** Puts what `latest` chooses by before a value. */
  #date(at: number, column: Column, code: ValueCode, record: Bindings): Verdict | undefined {
    const { field, by } = column;
    const order = by === undefined ? record.modRevision : by.evaluate(record);
    if (typeof order === "number" && Number.isFinite(order)) {
      this.codes[at] = encodeDated(order, code);
      return undefined;
    }
    return by && problem(field, by, record, NOT_NUMBER);
  }
}

/** One value of a group key: as JSON.stringify would write it. */
function canonical(value: Scalar): string | undefined {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return String(value + 0);
  return undefined;
}

function tooLong(groupKey: GroupKey): Verdict | undefined {
  const bytes = new TextEncoder().encode(groupKey).length;
  if (bytes <= MAX_GROUP_KEY_BYTES) return undefined;
  return { problem: () => `its group key has ${bytes} bytes; the limit is ${MAX_GROUP_KEY_BYTES}` };
}

/** A record's problem with one expression: CEL's own words, or what is wrong with the result. */
function problem(field: string, expression: Expression, record: Bindings, wrong: string): Verdict {
  return {
    problem: () => {
      const issue = expression.evaluate(record) === FAULT ? expression.explain(record) : undefined;
      return formatIssue(issueAt(field, expression.text, issue ?? { reason: wrong, offset: 0 }));
    },
  };
}
