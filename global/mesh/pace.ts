/** What a stream's messages may cost. */
export interface PaceLimits {
  /** What a message costs at least, in milliseconds. */
  readonly messageMs: number;
  /** What is allowed at once, in milliseconds of cost; a second allows 1,000. */
  readonly burstMs: number;
}

/** What a millisecond of work costs; so a stream can't have more than two thirds of a thread. */
const WORK_FACTOR = 1.5;

/**
 * How fast one stream may go: each message costs something, and more the longer the work
 * on it took. A bucket of milliseconds that fills as time passes; no clock of its own.
 */
export class Pace {
  readonly #limits: PaceLimits;
  #leftMs: number;
  #lastMs: number;

  constructor(limits: PaceLimits, nowMs: number) {
    this.#limits = limits;
    this.#leftMs = limits.burstMs;
    this.#lastMs = nowMs;
  }

  /**
   * A message was taken, which was `workMs` of work; gives for how many milliseconds no
   * other should be.
   */
  taken(workMs: number, nowMs: number): number {
    const { messageMs, burstMs } = this.#limits;
    this.#leftMs = Math.min(burstMs, this.#leftMs + Math.max(0, nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    this.#leftMs -= Math.max(messageMs, workMs * WORK_FACTOR);
    return Math.max(0, -this.#leftMs);
  }
}
