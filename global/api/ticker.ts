import type { Clock } from "../../shared/clock.js";
import { FAN_OUT_REST, MAX_FAN_OUT_REST_MS } from "../../shared/limits.js";

/** Something that is to be told news when it is time. */
export interface Ticked {
  /** When it is time, on the monotonic clock; news of groups not before `restUntilMs`. */
  dueMs(restUntilMs: number): number;
  tick(nowMs: number): void;
}

/**
 * The one beat by which all subscribers of a gateway are told news, so that what many
 * of them get is found once. It rests after each beat in proportion to what the beat
 * took: under load, news gather for fewer and larger messages, and the gateway has time
 * left to take them in.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #ticked = new Set<Ticked>();
  #armedMs = Number.POSITIVE_INFINITY;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #isBeating = false;
  #disarm = (): void => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(ticked: Ticked): void {
    this.#ticked.add(ticked);
  }

  remove(ticked: Ticked): void {
    this.#ticked.delete(ticked);
  }

  /** To be called when something may be due earlier than it was. */
  wake(ticked: Ticked): void {
    if (!this.#isBeating && this.#ticked.has(ticked)) this.#arm(ticked.dueMs(this.#restUntilMs));
  }

  /** Beats no more. */
  stop(): void {
    this.#disarm();
    this.#ticked.clear();
  }

  #arm(dueMs: number): void {
    if (dueMs >= this.#armedMs) return;
    this.#disarm();
    this.#armedMs = dueMs;
    const inMs = Math.ceil(dueMs - this.#clock.monotonicMs());
    if (inMs > 0) {
      const timer = setTimeout(() => this.#beat(), inMs);
      this.#disarm = () => clearTimeout(timer);
    } else {
      // Not at once: what else comes in this turn is told in the same messages.
      const immediate = setImmediate(() => this.#beat());
      this.#disarm = () => clearImmediate(immediate);
    }
  }

  #beat(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#isBeating = true;
    for (const ticked of this.#ticked) {
      if (ticked.dueMs(this.#restUntilMs) <= nowMs) ticked.tick(nowMs);
    }
    // By then what was sent has left for the sockets, which is the greater part of the work.
    const immediate = setImmediate(() => {
      const endMs = this.#clock.monotonicMs();
      const restMs = Math.min((endMs - nowMs) * FAN_OUT_REST, MAX_FAN_OUT_REST_MS);
      this.#restUntilMs = endMs + restMs;
      this.#isBeating = false;
      this.#armedMs = Number.POSITIVE_INFINITY;
      let dueMs = Number.POSITIVE_INFINITY;
      for (const ticked of this.#ticked) dueMs = Math.min(dueMs, ticked.dueMs(this.#restUntilMs));
      if (dueMs < Number.POSITIVE_INFINITY) this.#arm(dueMs);
    });
    this.#disarm = () => clearImmediate(immediate);
  }
}
