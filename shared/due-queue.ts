interface Item<T> {
  readonly at: number;
  readonly value: T;
}

/** Values that fall due at a time, the earliest first (a binary heap). */
export class DueQueue<T> {
  readonly #heap: Item<T>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** When the earliest is due; Infinity when there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  push(at: number, value: T): void {
    const heap = this.#heap;
    const item = { at, value };
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const above = heap[parent] as Item<T>;
      if (above.at <= at) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = item;
  }

  /** Takes the earliest value out if its time is not after `now`. */
  popDue(now: number): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > now) return undefined;
    const last = heap.pop() as Item<T>;
    if (heap.length > 0) this.#sink(last);
    return first.value;
  }

  /** Puts an item at the top and lets it down to its place. */
  #sink(item: Item<T>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && right.at < left.at) child++;
      const below = heap[child] as Item<T>;
      if (below.at >= item.at) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = item;
  }
}
