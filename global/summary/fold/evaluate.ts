import { MAX_GROUP_KEY_BYTES } from "../../../shared/limits.js";
import type { GroupKey } from "../../digest/cell.js";
import type { Bindings } from "../cel/bindings.js";
import { type Expression, FAULT, type Scalar } from "../cel/expression.js";
import type { SummaryDefinition } from "../definition/definition.js";
import { formatIssue, issueAt } from "../definition/issue.js";

/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** What a record is to a summary; a problem's text is worked out only where it is shown. */
export type Verdict = "counted" | "not matching" | { readonly problem: () => string };

/** An expression that rows keep the value of, for one or more measures. */
interface Column {
  readonly field: string;
  readonly of: Expression;
}

/**
 * Evaluates a definition for one record after another: whether it counts, its group,
 * and the numbers that its row keeps. Measures of one expression share a column.
 */
export class Evaluator {
  readonly #definition: SummaryDefinition;
  readonly #columns: readonly Column[];
  /** For each measure its column; -1 where it has none. */
  readonly columnOf: readonly number[];
  /** Of the last record that counted. */
  groupKey: GroupKey = "";
  readonly values: Float64Array;

  constructor(definition: SummaryDefinition) {
    this.#definition = definition;
    const columns: Column[] = [];
    this.columnOf = definition.measures.map(({ name, of }) => {
      if (of === undefined) return -1;
      const found = columns.findIndex((column) => column.of.text === of.text);
      return found >= 0 ? found : columns.push({ field: `measures.${name}`, of }) - 1;
    });
    this.#columns = columns;
    this.values = new Float64Array(columns.length);
  }

  get columnCount(): number {
    return this.#columns.length;
  }

  /** Looks at one record; fills `groupKey` and `values` when it counts. */
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
        return problem(`groupBy.${i}`, expression, record, "is not text, a number or a bool");
      }
      key += i === 0 ? value : `,${value}`;
    }
    this.groupKey = `${key}]`;
    return this.groupKey.length * MAX_BYTES_PER_UNIT > MAX_GROUP_KEY_BYTES
      ? tooLong(this.groupKey)
      : undefined;
  }

  #measure(record: Bindings): Verdict | undefined {
    for (let i = 0; i < this.#columns.length; i++) {
      const { field, of } = this.#columns[i] as Column;
      const value = of.evaluate(record);
      if (typeof value !== "number" || !Number.isFinite(value)) {
        return problem(field, of, record, "is not a finite number");
      }
      this.values[i] = value + 0;
    }
    return undefined;
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
