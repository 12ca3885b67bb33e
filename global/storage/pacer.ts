import { Deferred } from "../../shared/deferred.js";

/** Pauses between rounds that can be cut short, and waiting for a round that begins later. */
export class Pacer {
  #wake = new Deferred<void>();
  /** Those who wait for the next round, and for the one that goes on. */
  #next = new Deferred<void>();
  #current = new Deferred<void>();

  /** Waits so long, or until somebody wakes it. */
  async pause(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake.resolve(), ms);
    await this.#wake.promise;
    clearTimeout(timer);
  }

  wake(): void {
    this.#wake.resolve();
  }

  /** Has a round begin at once, and resolves when it is done. */
  next(): Promise<void> {
    this.wake();
    return this.#next.promise;
  }

  /** A round begins. */
  begin(): void {
    this.#wake = new Deferred();
    this.#current = this.#next;
    this.#next = new Deferred();
  }

  /** It is done. */
  done(): void {
    this.#current.resolve();
  }
}
