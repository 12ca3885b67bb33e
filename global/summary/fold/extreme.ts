import { type Cell, extremeCell } from "../../digest/cell.js";

/** Values without copies that may lie in the heap before it is built anew. */
const DEAD_SLACK = 16;

/**
 * The least (or greatest) of a multiset of numbers, under insertion and removal. A
 * binary heap of the distinct values, beside the number of copies of each; a value
 * whose last copy went stays in the heap until it comes to the top or such values
 * outnumber the others, so each step costs O(log n) in the long run.
 */
export class ExtremeAccumulator {
  readonly #kind: "min" | "max";
  /** Values with a positive sign for min, negated for max; copies, 0 if only in the heap. */
  readonly #copies = new Map<number, number>();
  #heap: number[] = [];
  #dead = 0;

  constructor(kind: "min" | "max") {
    this.#kind = kind;
  }

  add(value: number): void {
    const ranked = this.#rank(value);
    const copies = this.#copies.get(ranked);
    if (copies === undefined) this.#push(ranked);
    else if (copies === 0) this.#dead--;
    this.#copies.set(ranked, (copies ?? 0) + 1);
  }

  remove(value: number): void {
    const ranked = this.#rank(value);
    const copies = (this.#copies.get(ranked) ?? 0) - 1;
    if (copies < 0) throw new Error(`invariant violated: ${value} isn't in the multiset`);
    this.#copies.set(ranked, copies);
    if (copies === 0 && ++this.#dead > this.#heap.length / 2 + DEAD_SLACK) this.#rebuild();
  }

  cell(): Cell {
    while (this.#heap.length > 0 && this.#copies.get(this.#heap[0] as number) === 0) this.#pop();
    const top = this.#heap[0];
    return extremeCell(this.#kind, top === undefined ? undefined : this.#rank(top));
  }

  /** Turns a value into what the heap orders, and back. −0 becomes 0. */
  #rank(value: number): number {
    return this.#kind === "min" ? value + 0 : 0 - value;
  }

  #rebuild(): void {
    for (const [value, copies] of this.#copies) if (copies === 0) this.#copies.delete(value);
    // A sorted array is a heap.
    this.#heap = [...this.#copies.keys()].sort((a, b) => a - b);
    this.#dead = 0;
  }

  #push(value: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(value);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as number) <= value) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = value;
  }

  /** Drops the top, which has no copies. */
  #pop(): void {
    const heap = this.#heap;
    this.#copies.delete(heap[0] as number);
    this.#dead--;
    const value = heap.pop() as number;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= value) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = value;
  }
}
