import { Deferred } from "../../shared/deferred.js";
import type { AtollError } from "../../shared/errors.js";

/** A call that waits until so many batches are written. */
interface Barrier {
  readonly batches: number;
  readonly done: Deferred<void>;
}

/** Calls that wait for the state database's writer. */
export class WriteWaits {
  #barriers: Barrier[] = [];
  #drained: Deferred<void>[] = [];

  /** Somebody waits for batches: they are to be written without lingering. */
  get urgent(): boolean {
    return this.#barriers.length > 0;
  }

  /** Resolves when `batches` are written. */
  forBatches(batches: number): Promise<void> {
    const done = new Deferred<void>();
    this.#barriers.push({ batches, done });
    return done.promise;
  }

  /** Resolves when what waits to be written is within its bound. */
  forRoom(): Promise<void> {
    const waiter = new Deferred<void>();
    this.#drained.push(waiter);
    return waiter.promise;
  }

  /** `written` batches are written; `room`: what still waits is within its bound. */
  wrote(written: number, room: boolean): void {
    while ((this.#barriers[0]?.batches ?? Number.POSITIVE_INFINITY) <= written) {
      this.#barriers.shift()?.done.resolve();
    }
    if (!room) return;
    for (const waiter of this.#drained.splice(0)) waiter.resolve();
  }

  /** Refuses all that waits. */
  fail(error: AtollError): void {
    for (const { done } of this.#barriers.splice(0)) done.reject(error);
    for (const waiter of this.#drained.splice(0)) waiter.reject(error);
  }
}
