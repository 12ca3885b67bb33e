import type { Clock } from "../../shared/clock.js";
import type { Now } from "./core/now.js";

/**
 * The clock that ages are kept on: between two readings it advances by the larger
 * advance of monotonic and wall clock, so that a machine that slept, or whose wall
 * clock was set forward, never takes old news for newer than they are.
 */
export class AgeClock {
  readonly #clock: Clock;
  #monotonicMs: number;
  #wallMs: number;
  #ageMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#monotonicMs = clock.monotonicMs();
    this.#wallMs = clock.wallMs();
  }

  now(): Now {
    const monotonicMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    this.#ageMs += Math.max(0, monotonicMs - this.#monotonicMs, wallMs - this.#wallMs);
    this.#monotonicMs = monotonicMs;
    this.#wallMs = wallMs;
    return { monotonicMs, ageMs: this.#ageMs };
  }

  /** An earlier instant of both clocks on this one; at the earlier end where the two disagree. */
  at(instant: { readonly monotonicMs: number; readonly wallMs: number }): number {
    const { ageMs } = this.now();
    const since = Math.max(
      0,
      this.#monotonicMs - instant.monotonicMs,
      this.#wallMs - instant.wallMs,
    );
    return ageMs - since;
  }
}
