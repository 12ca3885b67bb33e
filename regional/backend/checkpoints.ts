import { Deferred } from "../../shared/deferred.js";
import type { AtollError } from "../../shared/errors.js";
import { BACKEND_CHECKPOINT_BYTES, BACKEND_CHECKPOINT_INTERVAL_MS } from "../../shared/limits.js";

/**
 * When the state database is to be checkpointed: when somebody asks, after so many bytes,
 * and some seconds after the first write since the last one.
 */
export class Checkpoints {
  readonly #onDue: () => void;
  #running = false;
  /** Batches that must be written before the next one; undefined if none is wanted. */
  #after: number | undefined;
  #bytes = 0;
  #interval: NodeJS.Timeout | undefined;
  #waiters: Deferred<number>[] = [];
  #closed = false;

  /** @param onDue the time is over: `want` is to be called with what is queued */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** One is under way. */
  get running(): boolean {
    return this.#running;
  }

  /** One waits for batches to be written. */
  get wanted(): boolean {
    return this.#after !== undefined;
  }

  /** Asks for one once `batches` are written; an earlier wish is as good. */
  want(batches: number): void {
    this.#after ??= batches;
  }

  /** As `want`, but for no fewer than `batches`; resolves with the durable applied index. */
  wait(batches: number): Promise<number> {
    const waiter = new Deferred<number>();
    this.#waiters.push(waiter);
    this.#after = batches;
    return waiter.promise;
  }

  /** Whether one is to begin now that `written` batches are written; it counts as begun. */
  begin(written: number): boolean {
    if (this.#after === undefined || written < this.#after) return false;
    this.#after = undefined;
    this.#running = true;
    return true;
  }

  /** A transaction of so many bytes was written; `written` batches are by now. */
  wrote(bytes: number, written: number): void {
    this.#bytes += bytes;
    this.#schedule(written);
  }

  #schedule(written: number): void {
    if (this.#closed) return;
    if (this.#bytes >= BACKEND_CHECKPOINT_BYTES) this.want(written);
    else this.#interval ??= setTimeout(this.#onDue, BACKEND_CHECKPOINT_INTERVAL_MS).unref();
  }

  /** It ended. `complete`: all that was written is durable now, else it is tried again. */
  end(complete: boolean, written: number, durableAppliedIndex: number): void {
    this.#running = false;
    this.#bytes = 0;
    this.#stopTimer();
    if (!complete) this.#schedule(written);
    if (this.wanted) return;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(durableAppliedIndex);
  }

  /** From now on there is one only if it is asked for. */
  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearTimeout(this.#interval);
    this.#interval = undefined;
  }

  /** Refuses all that waits. */
  fail(error: AtollError): void {
    this.#stopTimer();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
