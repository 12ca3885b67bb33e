import type { Clock } from "../../shared/clock.js";
import type { Now } from "./core/now.js";

/** The wall clock counts whole milliseconds, so less than this says nothing. */
const WALL_QUANTUM_MS = 1;

/**
 * The clock that ages are kept on: it advances by the larger advance of monotonic and
 * wall clock, so that a machine that slept, or whose wall clock was set forward, never
 * takes old news for newer than they are. A wall clock that was set back is taken as it
 * is from then on, so that it can't hide a later sleep. One that is set back while the
 * machine sleeps, by no more than it slept, hides that sleep: these two clocks can't tell.
 */
export class AgeClock {
  readonly #clock: Clock;
  #monotonicMs: number;
  #wallMs: number;
  #ageMs = 0;
  /** By how much the wall clock has advanced more than the monotonic one. */
  #leadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#monotonicMs = clock.monotonicMs();
    this.#wallMs = clock.wallMs();
  }

  now(): Now {
    const monotonicMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    const stepMs = monotonicMs - this.#monotonicMs;
    // Taking the larger of two steps each time would count a coarse clock's ticks twice.
    this.#leadMs += wallMs - this.#wallMs - stepMs;
    this.#ageMs += stepMs;
    if (this.#leadMs > WALL_QUANTUM_MS) {
      this.#ageMs += this.#leadMs;
      this.#leadMs = 0;
    } else if (this.#leadMs < -WALL_QUANTUM_MS) {
      this.#leadMs = 0;
    }
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
