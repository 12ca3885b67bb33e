import type { Clock } from "../../../shared/clock.js";
import type { Random } from "../../../shared/random.js";

/** Clocks of real machines are off by so much at most, which is less than CLOCK_DRIFT allows for. */
const USUAL_DRIFT = 200e-6;
/** /proc/uptime counts in these. */
const UPTIME_TICK_MS = 10;

/**
 * A machine's clocks as the world sees them: off by any offset, drifting; the monotonic
 * one stands still while the machine sleeps, the wall clock may be set.
 */
export class SimMachine implements Clock {
  readonly rate: number;
  readonly #offsetMs: number;
  #wallOffsetMs: number;
  #worldMs = 0;
  #sleptMs = 0;
  #asleepSinceMs: number | undefined;

  constructor(random: Random, drift = USUAL_DRIFT) {
    this.rate = 1 + (random.next() - 0.5) * 2 * drift;
    this.#offsetMs = random.int(1_000_000);
    this.#wallOffsetMs = random.int(1_000_000_000);
  }

  /** Says what time it is in the world, which only goes on. */
  tell(worldMs: number): void {
    this.#worldMs = worldMs;
  }

  /** Sleeps until `wake`: the monotonic clock stands still. */
  sleep(): void {
    this.#asleepSinceMs ??= this.#worldMs;
  }

  wake(): void {
    if (this.#asleepSinceMs === undefined) return;
    this.#sleptMs += this.#worldMs - this.#asleepSinceMs;
    this.#asleepSinceMs = undefined;
  }

  /** Sets the wall clock by so much. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  monotonicMs(): number {
    const asleepMs = this.#asleepSinceMs === undefined ? 0 : this.#worldMs - this.#asleepSinceMs;
    return this.#offsetMs + (this.#worldMs - this.#sleptMs - asleepMs) * this.rate;
  }

  /** Since the machine was started, sleep included. */
  bootMs(): number {
    return Math.floor((this.#worldMs * this.rate) / UPTIME_TICK_MS) * UPTIME_TICK_MS;
  }

  wallMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#worldMs * this.rate);
  }
}
