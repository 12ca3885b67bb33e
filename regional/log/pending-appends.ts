import type { Clock } from "../../shared/clock.js";
import type { AtollError } from "../../shared/errors.js";

interface Pending {
  readonly sequence: number;
  /** Index of the last entry that becomes durable by it; 0 for none. */
  lastIndex: number;
  readonly bytes: number;
  readonly since: number;
  readonly onDurable: () => void;
  readonly onFailure: ((error: AtollError) => void) | undefined;
}

/** Appends that are not known to be durable yet, in order. */
export class PendingAppends {
  readonly #clock: Clock;
  #queue: Pending[] = [];
  #bytes = 0;
  /** Callers to be told as soon as the present turn is over. */
  #soon: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds that the oldest one has waited; 0 if there is none. */
  oldestMs(): number {
    const oldest = this.#queue[0];
    return oldest === undefined ? 0 : this.#clock.monotonicMs() - oldest.since;
  }

  add(
    sequence: number,
    lastIndex: number,
    bytes: number,
    onDurable: () => void,
    onFailure?: (error: AtollError) => void,
  ): void {
    const since = this.#clock.monotonicMs();
    this.#queue.push({ sequence, lastIndex, bytes, since, onDurable, onFailure });
    this.#bytes += bytes;
  }

  /** Calls `onDurable` together with the last one, or right after this turn if there is none. */
  addToLast(onDurable: () => void): void {
    const last = this.#queue.at(-1);
    if (last !== undefined) {
      this.add(last.sequence, 0, 0, onDurable);
      return;
    }
    if (this.#soon.push(onDurable) === 1) queueMicrotask(() => this.#tellSoon());
  }

  /** Entries from `index` on are overwritten by a later one. */
  forgetFrom(index: number): void {
    for (const pending of this.#queue) pending.lastIndex = Math.min(pending.lastIndex, index - 1);
  }

  /** Takes those through `sequence` off and calls them, after `onEach` with their last index. */
  complete(sequence: number, onEach: (lastIndex: number) => void): void {
    let count = 0;
    while ((this.#queue[count]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) count++;
    const done = this.#queue.splice(0, count);
    for (const pending of done) {
      this.#bytes -= pending.bytes;
      onEach(pending.lastIndex);
    }
    for (const pending of done) pending.onDurable();
  }

  /** None of them will ever be durable. */
  fail(error: AtollError): void {
    const lost = this.#queue;
    this.#queue = [];
    this.#bytes = 0;
    this.#soon = [];
    for (const pending of lost) pending.onFailure?.(error);
  }

  #tellSoon(): void {
    const soon = this.#soon;
    this.#soon = [];
    for (const onDurable of soon) onDurable();
  }
}
