import type { Clock } from "../../shared/clock.js";
import { AtollError, type Code, errorText } from "../../shared/errors.js";
import { SOURCE_REMINDER_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";

export interface ComplaintOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** What is said when it fails, and when it no longer does. */
  readonly failing: string;
  readonly mended: string;
  /** Failures in a row before it counts; an election makes a call or two fail. */
  readonly patience: number;
}

/**
 * Something that is tried again and again: its failure is logged when it begins to count,
 * when it becomes another one, and now and then while it lasts; and once when it is over.
 */
export class Complaint {
  readonly #options: ComplaintOptions;
  #failures = 0;
  #text: string | undefined;
  #code: Code | undefined;
  #saidAtMs = 0;

  constructor(options: ComplaintOptions) {
    this.#options = options;
  }

  /** What is wrong, for people; undefined when nothing is that counts. */
  get text(): string | undefined {
    return this.#text;
  }

  failed(error: AtollError): void {
    const { log, clock, failing, patience } = this.#options;
    if (++this.#failures < patience) return;
    this.#text = error.message;
    const nowMs = clock.monotonicMs();
    if (this.#code === error.code && nowMs - this.#saidAtMs < SOURCE_REMINDER_MS) return;
    this.#code = error.code;
    this.#saidAtMs = nowMs;
    log.warn({ code: error.code, error: error.message, cause: causeOf(error) }, failing);
  }

  /** It went well. */
  over(): void {
    this.#failures = 0;
    if (this.#code === undefined) return;
    this.#code = undefined;
    this.#text = undefined;
    this.#options.log.info(this.#options.mended);
  }
}

function causeOf({ cause }: AtollError): string | undefined {
  return cause === undefined ? undefined : errorText(cause);
}
