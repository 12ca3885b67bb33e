/** Time that may be made up for: timers come late by some milliseconds. */
const SLACK_MS = 100;

/**
 * Paces bytes: what is taken at once is made up for by waiting. Time that was not used is
 * lost but for SLACK_MS of it, so there is no burst after a pause. Time is an input.
 */
export class Throttle {
  readonly bytesPerSecond: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Takes `bytes`; gives the milliseconds to wait before they are sent, 0 or more. */
  take(bytes: number, nowMs: number): number {
    const startMs = Math.max(this.#freeAtMs, nowMs - SLACK_MS);
    this.#freeAtMs = startMs + (bytes / this.bytesPerSecond) * 1000;
    return Math.max(0, startMs - nowMs);
  }
}
