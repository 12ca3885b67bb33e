import {
  SCAN_PAGE_FIRST_KEYS,
  SCAN_PAGE_MAX_KEYS,
  SCAN_PAGE_TARGET_BYTES,
  SCAN_PAGE_TARGET_MS,
} from "../../shared/limits.js";

/** How much a page may grow from one to the next. */
const GROWTH = 2;
const SHRINK = 8;

/** Learns how many keys make a page of about the wished-for bytes, in no more than the wished-for time. */
export class PageSize {
  #keys = SCAN_PAGE_FIRST_KEYS;

  /** Keys of the next page. */
  get keys(): number {
    return this.#keys;
  }

  /** A page of so many keys had so many bytes and took so many milliseconds. */
  learn(keys: number, bytes: number, ms: number): void {
    if (keys === 0) return;
    const bySize = SCAN_PAGE_TARGET_BYTES / Math.max(1, bytes / keys);
    const byTime = SCAN_PAGE_TARGET_MS / Math.max(1e-3, ms / keys);
    const wished = Math.floor(Math.min(bySize, byTime));
    this.#keys = Math.max(1, Math.min(wished, this.#keys * GROWTH, SCAN_PAGE_MAX_KEYS));
  }

  /** A page was too large for a message, or too slow; false when it had one key only. */
  shrink(): boolean {
    if (this.#keys === 1) return false;
    this.#keys = Math.max(1, Math.floor(this.#keys / SHRINK));
    return true;
  }
}
