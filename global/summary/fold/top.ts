import type { Cell } from "../../digest/cell.js";
import { compareWeighed, packTop } from "../../digest/values/top.js";
import type { ValueCode } from "../../digest/values/value-code.js";
import { FirstFew } from "./first-few.js";
import { ExactSum, scaled } from "./sum.js";
import type { ValueTable } from "./value-table.js";

/** Where a value stands among the others. Never changes: another weight is another place. */
interface Place {
  readonly code: ValueCode;
  readonly weight: number;
}

/** One value of a group: its copies, what they weigh together, and its place by that. */
interface Held {
  copies: number;
  readonly weight: ExactSum;
  place: Place;
}

/** The heaviest values of a group, and what the heaviest of the others weighs. */
export class TopAccumulator {
  readonly #limit: number;
  readonly #scale: number;
  readonly #table: ValueTable;
  readonly #held = new Map<number, Held>();
  readonly #first: FirstFew<Place>;

  constructor(limit: number, scale: number, table: ValueTable) {
    this.#limit = limit;
    this.#scale = scale;
    this.#table = table;
    // One more: what is left out weighs at most as much as the first that is.
    this.#first = new FirstFew<Place>(limit + 1, compareWeighed, () => this.#places());
  }

  /** `weight` is 1 where none is defined. */
  add(number: number, weight: number): void {
    let held = this.#held.get(number);
    if (held === undefined) {
      const code = this.#table.code(number);
      held = { copies: 0, weight: new ExactSum(), place: { code, weight: 0 } };
      this.#held.set(number, held);
    } else {
      this.#first.remove(held.place);
    }
    held.copies++;
    held.weight.add(scaled(weight, this.#scale));
    this.#put(held);
  }

  remove(number: number, weight: number): void {
    const held = this.#held.get(number);
    if (held === undefined) throw new Error(`invariant violated: there is no value ${number}`);
    this.#first.remove(held.place);
    if (--held.copies === 0) {
      this.#held.delete(number);
      return;
    }
    held.weight.add(-scaled(weight, this.#scale));
    this.#put(held);
  }

  cell(): Cell {
    const places = this.#first.first();
    const entries = places
      .slice(0, this.#limit)
      .map(({ code, weight }) => ({ code, weight, error: 0 }));
    const unlisted = places[this.#limit]?.weight ?? 0;
    return { kind: "top", packed: packTop({ entries, unlisted }) };
  }

  /** Gives a value the place of its weight; weights beyond 2^53 - 1 stand there. */
  #put(held: Held): void {
    held.place = { code: held.place.code, weight: held.weight.clamped() };
    this.#first.insert(held.place);
  }

  *#places(): Generator<Place> {
    for (const { place } of this.#held.values()) yield place;
  }
}
