import type { Clock } from "../../shared/clock.js";
import { FIRST_READ_PROGRESS_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { SourceCore } from "./core.js";

/** Tells the log how far a first read is, now and then, and when it is over. */
export class FirstReadLog {
  readonly #core: SourceCore;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #beganMs: number;
  #saidAtMs: number;
  #isDue: boolean;

  constructor(core: SourceCore, log: Logger, clock: Clock) {
    this.#core = core;
    this.#log = log;
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
    this.#saidAtMs = this.#beganMs;
    this.#isDue = core.isFirstRead;
  }

  /** Looks whether there is something to tell. */
  look(): void {
    if (!this.#isDue) return;
    const { isFirstRead, keysRead: keys, keysExpected: expected } = this.#core;
    const nowMs = this.#clock.monotonicMs();
    const seconds = Math.round(nowMs - this.#beganMs) / 1_000;
    if (!isFirstRead) {
      this.#isDue = false;
      this.#log.info({ keys, seconds }, "the region is read");
    } else if (nowMs - this.#saidAtMs >= FIRST_READ_PROGRESS_MS) {
      this.#saidAtMs = nowMs;
      this.#log.info({ keys, expected, seconds }, "the region is being read");
    }
  }
}
