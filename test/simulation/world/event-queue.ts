interface Item<T> {
  readonly time: number;
  readonly order: number;
  readonly event: T;
}

function earlier<T>(a: Item<T>, b: Item<T>): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/** Events by virtual time; equal times come out in the order in which they went in. */
export class EventQueue<T> {
  readonly #heap: Item<T>[] = [];
  #order = 0;

  push(time: number, event: T): void {
    const heap = this.#heap;
    const item = { time, order: this.#order++, event };
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Item<T>;
      if (!earlier(item, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = item;
  }

  /** When the earliest event is due; undefined when there is none. */
  get nextTime(): number | undefined {
    return this.#heap[0]?.time;
  }

  /** Takes the earliest event out; undefined when there is none. */
  pop(): { readonly time: number; readonly event: T } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as Item<T>, heap[child] as Item<T>)) {
        child++;
      }
      if (!earlier(heap[child] as Item<T>, last)) break;
      heap[at] = heap[child] as Item<T>;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
