import { AtollError } from "../errors.js";
import type { CallObserver } from "./handlers.js";

/** Told of errors that a caller sees as INTERNAL, so that their cause is logged. */
export type ErrorReporter = (path: string, error: AtollError) => void;

/** Whom a server tells of its calls. */
export interface Reporting {
  readonly observe: CallObserver | undefined;
  readonly report: ErrorReporter;
}

/** The books of one method's calls. */
export class CallBooks {
  readonly #path: string;
  readonly #reporting: Reporting;

  constructor(path: string, reporting: Reporting) {
    this.#path = path;
    this.#reporting = reporting;
  }

  /** When a call begins, for `succeeded` and `failed`; 0 where nobody wants to know. */
  begin(): number {
    return this.#reporting.observe === undefined ? 0 : performance.now();
  }

  succeeded(beginMs: number): void {
    this.#reporting.observe?.(this.#path, "OK", (performance.now() - beginMs) / 1000);
  }

  /** Gives the error that the caller gets. */
  failed(beginMs: number, thrown: unknown): AtollError {
    const error = AtollError.from(thrown);
    if (error.code === "INTERNAL") this.#reporting.report(this.#path, error);
    this.#reporting.observe?.(this.#path, error.code, (performance.now() - beginMs) / 1000);
    return error;
  }
}
