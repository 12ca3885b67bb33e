/** Lets a loop sleep until it is rung or a time has passed; rings while it is awake are kept. */
export class Wakeup {
  #rung = false;
  #wake: (() => void) | undefined;

  /** Wakes the sleeper, or keeps the next sleep from beginning. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Sleeps for at most `timeoutMs`; at once over when it was rung. */
  async sleep(timeoutMs: number): Promise<void> {
    if (!this.#rung && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
