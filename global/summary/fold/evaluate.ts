import { MAX_GROUP_KEY_BYTES } from "../../../shared/limits.js";
import type { GroupKey } from "../../digest/cell.js";
import { hashBool, hashNumber, hashText } from "../../digest/sketch/hash64.js";
import { registerOf } from "../../digest/sketch/hyperloglog.js";
import type { Bindings } from "../cel/bindings.js";
import { type Expression, FAULT, type Scalar } from "../cel/expression.js";
import type { SummaryDefinition } from "../definition/definition.js";
import { formatIssue, issueAt } from "../definition/issue.js";

/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

const NOT_SCALAR = "is not text, a number or a bool";

/** What a record is to a summary; a problem's text is worked out only where it is shown. */
export type Verdict = "counted" | "not matching" | { readonly problem: () => string };

/** An expression that rows keep something of, for one or more measures. */
interface Column {
  readonly field: string;
  readonly of: Expression;
  /** Whether rows keep the number itself, or which HyperLogLog register the value raises. */
  readonly keeps: "number" | "register";
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
    this.columnOf = definition.measures.map(({ name, kind, of }) => {
      if (of === undefined) return -1;
      const keeps = kind === "distinct" ? "register" : "number";
      const found = columns.findIndex((own) => own.of.text === of.text && own.keeps === keeps);
      return found >= 0 ? found : columns.push({ field: `measures.${name}`, of, keeps }) - 1;
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
    for (let i = 0; i < this.#columns.length; i++) {
      const { field, of, keeps } = this.#columns[i] as Column;
      const value = of.evaluate(record);
      if (keeps === "register") {
        const register = registerOfValue(value);
        if (register === undefined) return problem(field, of, record, NOT_SCALAR);
        this.values[i] = register;
        continue;
      }
      if (typeof value !== "number" || !Number.isFinite(value)) {
        return problem(field, of, record, "is not a finite number");
      }
      this.values[i] = value + 0;
    }
    return undefined;
  }
}

/** The HyperLogLog register that a value raises, and how far; undefined for what is no scalar. */
function registerOfValue(value: Scalar): number | undefined {
  switch (typeof value) {
    case "string":
      return hashText(value, registerOf);
    case "boolean":
      return hashBool(value, registerOf);
    case "number":
      return Number.isFinite(value) ? hashNumber(value, registerOf) : undefined;
    default:
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
