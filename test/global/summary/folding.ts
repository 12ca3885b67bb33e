import type { Cell } from "../../../global/digest/cell.js";
import { Bindings } from "../../../global/summary/cel/bindings.js";
import type { SummaryDefinition } from "../../../global/summary/definition/definition.js";
import { Fold } from "../../../global/summary/fold/fold.js";
import { RowBudget } from "../../../global/summary/fold/rows.js";
import { utf8 } from "../../../shared/bytes.js";

/** A fold of one definition, told of records as they are written. */
export class Folding {
  readonly fold: Fold;
  readonly budget: RowBudget;
  readonly #record = new Bindings();
  readonly #prefixBytes: number;

  constructor(definition: SummaryDefinition, maxRows = 1_000_000, maxGroups = 1_000) {
    this.budget = new RowBudget(maxRows);
    this.fold = new Fold(definition, this.budget, maxGroups);
    this.#prefixBytes = utf8(definition.prefix).length;
  }

  put(key: string, value: unknown): this {
    return this.putText(key, JSON.stringify(value));
  }

  putText(key: string, text: string): this {
    this.#record.bind(key, utf8(text));
    this.#record.below(this.#prefixBytes);
    this.fold.put(key, this.#record);
    return this;
  }

  groups(): [string, readonly Cell[] | undefined][] {
    return [...this.fold.snapshot()].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
