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
export class ExactSum {
  #small = 0;
  #large = 0n;

  add(units: number | bigint): void {
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

  exact(): bigint {
    return this.#large + BigInt(this.#small);
  }

  /** The sum as a number; beyond 2^53 - 1 it stands there. */
  clamped(): number {
    if (this.#large === 0n) return this.#small;
    const sum = this.exact();
    return sum > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(sum);
  }
}

/** A sum's exact value, in units of 10^-scale. */
export class SumAccumulator {
  readonly #scale: number;
  readonly #sum = new ExactSum();

  constructor(scale: number) {
    this.#scale = scale;
  }

  add(value: number): void {
    this.#sum.add(scaled(value, this.#scale));
  }

  remove(value: number): void {
    this.#sum.add(-scaled(value, this.#scale));
  }

  cell(): Cell {
    return sumCell(this.#sum.exact());
  }
}
