import { MAX_PENDING_CONFIRMATIONS } from "../../shared/limits.js";
import type { Instant } from "./types.js";

interface Pending {
  readonly revision: number;
  readonly began: Instant;
}

/**
 * Linearizable reads that show how fresh the stream is. One that began at t and found
 * the store at revision R shows, once the stream is at R, that everything written
 * before t is in it.
 */
export class Confirmations {
  /** In the order in which they began; so their revisions don't fall. */
  #pending: Pending[] = [];

  /** Revision that the oldest unconfirmed read waits for. */
  get waitsFor(): number | undefined {
    return this.#pending[0]?.revision;
  }

  add(revision: number, began: Instant): void {
    if (this.#pending.length >= MAX_PENDING_CONFIRMATIONS) {
      // Every second one goes, so that a stream that lags far still confirms something.
      this.#pending = this.#pending.filter((_, index) => index % 2 === 0);
    }
    this.#pending.push({ revision, began });
  }

  /** The newest beginning that the stream at `position` confirms. */
  take(position: number): Pending | undefined {
    let newest: Pending | undefined;
    while (this.#pending.length > 0 && (this.#pending[0] as Pending).revision <= position) {
      newest = this.#pending.shift();
    }
    return newest;
  }

  clear(): void {
    this.#pending = [];
  }
}
