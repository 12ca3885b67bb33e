import { violated } from "./invariant.js";

const FIRST_CAPACITY = 8;

/**
 * The append messages on their way to one follower, oldest first, bounded by number and by
 * payload bytes: the sliding window of pipelining (dissertation §10.2.2). A ring that grows
 * up to its bound. Source: etcd-io/raft `tracker/inflights.go`.
 */
export class Inflights {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #start = 0;
  #count = 0;
  #bytes = 0;
  /** Last entry index of each message, and its payload bytes. */
  #indexes: number[] = [];
  #sizes: number[] = [];

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** True if no further message may be sent. One message may overshoot the bound in bytes. */
  full(): boolean {
    return this.#count === this.#maxCount || this.#bytes >= this.#maxBytes;
  }

  /** Records a message whose last entry is `index`; indexes never fall. */
  add(index: number, bytes: number): void {
    if (this.full()) violated("an append was sent past a full window");
    if (this.#count === this.#indexes.length) this.#grow();
    const at = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[at] = index;
    this.#sizes[at] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Frees all messages through `index`. */
  freeThrough(index: number): void {
    const capacity = this.#indexes.length;
    while (this.#count > 0 && (this.#indexes[this.#start] as number) <= index) {
      this.#bytes -= this.#sizes[this.#start] as number;
      this.#start = (this.#start + 1) % capacity;
      this.#count--;
    }
    if (this.#count === 0) this.#start = 0;
  }

  /** Frees all. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const old = this.#indexes.length;
    const capacity = Math.min(this.#maxCount, Math.max(FIRST_CAPACITY, old * 2));
    const indexes = Array.from({ length: capacity }, () => 0);
    const sizes = Array.from({ length: capacity }, () => 0);
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#start + i) % old;
      indexes[i] = this.#indexes[from] as number;
      sizes[i] = this.#sizes[from] as number;
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
