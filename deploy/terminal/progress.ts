/** Where progress goes; standard error in the programs. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Progress of a long operation: one line that is rewritten in a terminal, plain
 * lines elsewhere.
 */
export class Progress {
  readonly #stream: ProgressStream;
  #open = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  /** Shows the present step. */
  step(text: string): void {
    if (this.#stream.isTTY === true) {
      this.#stream.write(`\r\u001b[2K${text}`);
      this.#open = true;
    } else {
      this.#stream.write(`${text}\n`);
    }
  }

  /** Writes a line that stays. */
  line(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  /** Takes the rewritten line away. */
  clear(): void {
    if (this.#open) this.#stream.write("\r\u001b[2K");
    this.#open = false;
  }
}
