import type { Socket } from "node:net";

/** Bytes under way in one direction above which the sender is paused. */
const MAX_UNDER_WAY_BYTES = 8 * 1024 * 1024;

/** A piece of a stream and when it is due at the other end. */
interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/**
 * One direction of a connection: what comes in goes out `delayMs` later, in order. All
 * pieces that are due go out together, so throughput does not suffer from the delay.
 */
export class DelayedPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: () => number;
  readonly #queue: Piece[] = [];
  #underWay = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #held = false;

  constructor(from: Socket, to: Socket, delayMs: () => number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    from.on("data", (bytes) => this.#take(bytes));
    from.on("end", () => {
      this.#ended = true;
      this.#schedule();
    });
  }

  /** Nothing comes out any more until it is let go; what comes in is kept. */
  hold(isHeld: boolean): void {
    this.#held = isHeld;
    this.#schedule();
  }

  #take(bytes: Buffer): void {
    // Jitter must not reorder a stream.
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + this.#delayMs());
    this.#queue.push({ bytes, dueMs: this.#lastDueMs });
    this.#underWay += bytes.length;
    if (this.#underWay > MAX_UNDER_WAY_BYTES) this.#from.pause();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#held || this.#timer !== undefined) return;
    const first = this.#queue[0];
    if (first === undefined) {
      if (this.#ended) this.#to.end();
      return;
    }
    // Timers count whole milliseconds, and one that is early would have to be set again.
    const waitMs = Math.max(0, Math.ceil(first.dueMs - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#deliver();
    }, waitMs);
  }

  #deliver(): void {
    if (this.#held) return;
    const now = performance.now();
    const due: Buffer[] = [];
    while ((this.#queue[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= now) {
      due.push((this.#queue.shift() as Piece).bytes);
    }
    if (due.length > 0) {
      const bytes = Buffer.concat(due);
      this.#underWay -= bytes.length;
      if (this.#to.writable) this.#to.write(bytes);
      if (this.#underWay <= MAX_UNDER_WAY_BYTES / 2) this.#from.resume();
    }
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }
}
