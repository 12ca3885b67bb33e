/** Where a progress line goes: standard error, or what stands for it. */
export interface ProgressSink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Least time between two lines, in milliseconds: a terminal's line is rewritten, others add up. */
const TERMINAL_PERIOD_MS = 200;
const PLAIN_PERIOD_MS = 5_000;

/** Tells how many worlds are done, and how fast: one line in a terminal, plain lines elsewhere. */
export class Progress {
  readonly #sink: ProgressSink;
  readonly #worlds: number;
  readonly #beganMs: number;
  #toldMs: number;
  #width = 0;

  /** @param nowMs a clock that doesn't go back */
  constructor(sink: ProgressSink, worlds: number, nowMs: number) {
    this.#sink = sink;
    this.#worlds = worlds;
    this.#beganMs = nowMs;
    this.#toldMs = nowMs;
  }

  update(done: number, failed: number, nowMs: number): void {
    const terminal = this.#sink.isTTY === true;
    if (nowMs - this.#toldMs < (terminal ? TERMINAL_PERIOD_MS : PLAIN_PERIOD_MS)) return;
    this.#toldMs = nowMs;
    const rate = (done * 1000) / Math.max(1, nowMs - this.#beganMs);
    const line = `${done} of ${this.#worlds} worlds, ${rate.toFixed(1)} a second, ${failed} failed`;
    this.#sink.write(terminal ? `\r${line.padEnd(this.#width)}` : `${line}\n`);
    this.#width = line.length;
  }

  /** Clears the terminal's line. */
  end(): void {
    if (this.#width > 0 && this.#sink.isTTY === true) {
      this.#sink.write(`\r${" ".repeat(this.#width)}\r`);
    }
  }
}
