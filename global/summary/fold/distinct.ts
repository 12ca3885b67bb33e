import type { Cell } from "../../digest/cell.js";
import {
  packRegisters,
  packSparse,
  REGISTERS,
  registerIndex,
  registerRank,
} from "../../digest/sketch/hyperloglog.js";
import { CountedIntegers } from "./counted-integers.js";

/** Different (register, rank) pairs up to which a sorted list is kept; more are hashed. */
const MAX_LISTED = 512;
/** Pairs from which on a list is enough again. */
const MIN_HASHED = 256;

/**
 * A HyperLogLog that can take back: of each (register, rank) pair it keeps how many
 * values gave it, so a register falls to the next lower rank when the last one went.
 */
export class DistinctAccumulator {
  #few: CountedIntegers | undefined = new CountedIntegers();
  #many: HashedPairs | undefined;
  /** The cell while no register has changed since. */
  #cell: Cell | undefined;

  /** `pair` is what `registerOf` gave. */
  add(pair: number): void {
    if (this.#many !== undefined) {
      if (this.#many.add(pair)) this.#cell = undefined;
      return;
    }
    const few = this.#few as CountedIntegers;
    const { size } = few;
    few.add(pair);
    if (few.size === size) return;
    this.#cell = undefined;
    if (few.size <= MAX_LISTED) return;
    this.#many = new HashedPairs();
    few.values.forEach((each, at) => this.#many?.add(each, few.copies[at]));
    this.#few = undefined;
  }

  remove(pair: number): void {
    if (this.#few !== undefined) {
      const { size } = this.#few;
      this.#few.remove(pair);
      if (this.#few.size < size) this.#cell = undefined;
      return;
    }
    const many = this.#many as HashedPairs;
    if (many.remove(pair)) this.#cell = undefined;
    if (many.size >= MIN_HASHED) return;
    this.#few = many.listed();
    this.#many = undefined;
  }

  cell(): Cell {
    this.#cell ??= {
      kind: "distinct",
      packed: this.#few === undefined ? (this.#many as HashedPairs).packed() : packFew(this.#few),
    };
    return this.#cell;
  }
}

/** Of each register its greatest rank, which comes last. */
function packFew({ values }: CountedIntegers): string {
  return packSparse(
    values.filter((pair, at) => {
      const next = values[at + 1];
      return next === undefined || registerIndex(next) !== registerIndex(pair);
    }),
  );
}

/** Many pairs: their copies by hash, and the registers beside them. */
class HashedPairs {
  readonly #copies = new Map<number, number>();
  readonly #registers = new Uint8Array(REGISTERS);

  get size(): number {
    return this.#copies.size;
  }

  /** True when a register rose. */
  add(pair: number, copies = 1): boolean {
    this.#copies.set(pair, (this.#copies.get(pair) ?? 0) + copies);
    const index = registerIndex(pair);
    const rank = registerRank(pair);
    if (rank <= (this.#registers[index] as number)) return false;
    this.#registers[index] = rank;
    return true;
  }

  /** True when a register fell. */
  remove(pair: number): boolean {
    const copies = (this.#copies.get(pair) ?? 0) - 1;
    if (copies < 0) throw new Error(`invariant violated: there is no pair ${pair}`);
    if (copies > 0) {
      this.#copies.set(pair, copies);
      return false;
    }
    this.#copies.delete(pair);
    const index = registerIndex(pair);
    let rank = registerRank(pair);
    if (rank < (this.#registers[index] as number)) return false;
    const lowest = pair - rank;
    while (rank > 0 && !this.#copies.has(lowest + rank)) rank--;
    this.#registers[index] = rank;
    return true;
  }

  listed(): CountedIntegers {
    const list = new CountedIntegers();
    for (const [pair, copies] of this.#copies) list.add(pair, copies);
    return list;
  }

  packed(): string {
    return packRegisters(this.#registers);
  }
}
