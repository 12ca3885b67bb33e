import { type Cell, sumCell } from "../../digest/cell.js";

/**
 * A number in units of 10^-scale, as an integer: exact when the number is an integer,
 * else the integer nearest to the product of doubles (a tie goes up). The same on
 * every machine, so that adding and later removing it cancel out.
 */
export function scaled(value: number, scale: number): number | bigint {
  const product = value * 10 ** scale;
  if (Math.abs(product) <= Number.MAX_SAFE_INTEGER) return Math.round(product);
  if (Number.isInteger(value)) return BigInt(value) * 10n ** BigInt(scale);
  return BigInt(Math.round(product));
}

/** An exact sum of integers of any size; small ones cost no bigint. */
export class SumAccumulator {
  readonly #scale: number;
  #small = 0;
  #large = 0n;

  constructor(scale: number) {
    this.#scale = scale;
  }

  add(value: number): void {
    this.#put(scaled(value, this.#scale));
  }

  remove(value: number): void {
    this.#put(-scaled(value, this.#scale));
  }

  cell(): Cell {
    return sumCell(this.#large + BigInt(this.#small));
  }

  #put(units: number | bigint): void {
    if (typeof units === "bigint") {
      this.#large += units;
      return;
    }
    const sum = this.#small + units;
    if (Math.abs(sum) <= Number.MAX_SAFE_INTEGER) {
      this.#small = sum;
      return;
    }
    this.#large += BigInt(this.#small) + BigInt(units);
    this.#small = 0;
  }
}
