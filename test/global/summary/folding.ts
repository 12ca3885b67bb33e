import type { Cell } from "../../../global/digest/cell.js";
import { Bindings } from "../../../global/summary/cel/bindings.js";
import type { SummaryDefinition } from "../../../global/summary/definition/definition.js";
import { Fold, type FoldLimits } from "../../../global/summary/fold/fold.js";
import { MemoryBudget } from "../../../global/summary/fold/memory.js";
import { utf8 } from "../../../shared/bytes.js";
import { MAX_FOLD_BYTES_PER_GATEWAY } from "../../../shared/limits.js";

/** A fold of one definition, told of records as they are written. */
export class Folding {
  readonly fold: Fold;
  readonly budget: MemoryBudget;
  readonly #record = new Bindings();
  readonly #prefixBytes: number;

  constructor(definition: SummaryDefinition, limits: FoldLimits & { maxBytes?: number } = {}) {
    this.budget = new MemoryBudget(limits.maxBytes ?? MAX_FOLD_BYTES_PER_GATEWAY);
    this.fold = new Fold(definition, this.budget, limits);
    this.#prefixBytes = utf8(definition.prefix).length;
  }

  put(key: string, value: unknown, modRevision = 1): this {
    return this.putText(key, JSON.stringify(value), modRevision);
  }

  putText(key: string, text: string, modRevision = 1): this {
    this.#record.bind(key, utf8(text), modRevision);
    this.#record.below(this.#prefixBytes);
    this.fold.put(key, this.#record);
    return this;
  }

  groups(): [string, readonly Cell[] | undefined][] {
    return [...this.fold.snapshot()].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
