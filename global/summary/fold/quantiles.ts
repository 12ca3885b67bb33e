import type { Cell } from "../../digest/cell.js";
import { binOf } from "../../digest/sketch/bins.js";
import { packBins } from "../../digest/sketch/ddsketch.js";
import { CountedIntegers } from "./counted-integers.js";

/** A DDSketch's bins with the number of values in each; so what went leaves no trace. */
export class QuantilesAccumulator {
  readonly #bins = new CountedIntegers();

  add(value: number): void {
    this.#bins.add(binOf(value));
  }

  remove(value: number): void {
    this.#bins.remove(binOf(value));
  }

  cell(): Cell {
    return { kind: "quantiles", packed: packBins(this.#bins.values, this.#bins.copies) };
  }
}
