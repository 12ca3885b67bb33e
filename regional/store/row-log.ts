import type { Row } from "./row.js";

/** Rows of one chunk; a chunk is what growing and cutting deal in. */
const CHUNK_ROWS = 4096;

/** Rows in the order in which they were written, from some ordinal on without a gap. */
export class RowLog {
  #chunks: Row[][] = [];
  /** Ordinal of the first place of the first chunk. */
  #base: number;
  #head: number;
  #next: number;

  /** An empty log whose first row will have the ordinal `next`. */
  constructor(next: number) {
    this.#base = next;
    this.#head = next;
    this.#next = next;
  }

  /** Ordinal of the oldest row; `next` when there is none. */
  get head(): number {
    return this.#head;
  }

  /** Ordinal of the row to come. */
  get next(): number {
    return this.#next;
  }

  push(row: Row): void {
    const chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.length === CHUNK_ROWS) this.#chunks.push([row]);
    else chunk.push(row);
    this.#next++;
  }

  /** The row with an ordinal; undefined outside [head, next). */
  at(ordinal: number): Row | undefined {
    if (ordinal < this.#head || ordinal >= this.#next) return undefined;
    const place = ordinal - this.#base;
    return this.#chunks[Math.floor(place / CHUNK_ROWS)]?.[place % CHUNK_ROWS];
  }

  /** Ordinal of the first row with modRevision >= revision; `next` when there is none. */
  find(revision: number): number {
    let low = this.#head;
    let high = this.#next;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      if ((this.at(middle)?.modRevision ?? 0) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops the rows below an ordinal. */
  dropBefore(ordinal: number): void {
    this.#head = ordinal;
    while (ordinal - this.#base >= CHUNK_ROWS) {
      this.#chunks.shift();
      this.#base += CHUNK_ROWS;
    }
  }
}
