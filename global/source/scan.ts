import type { BinaryKey } from "../../shared/bytes.js";
import { MAX_HELD_PAGES, MAX_SCAN_OVERLAP_EVENTS } from "../../shared/limits.js";
import { PageSize } from "./page-size.js";
import type { SourceEvent } from "./types.js";

/** Keys from `key` to before `end`. */
export interface KeyRange {
  readonly key: BinaryKey;
  readonly end: BinaryKey;
}

/** A page to read, linearizably. */
export interface PageRequest extends KeyRange {
  readonly scan: number;
  /** As of which revision; whatever is the newest one unless given. */
  readonly revision?: number;
  /** Keys. */
  readonly limit: number;
}

/** A page as it was read. */
export interface Page {
  /** Revision that it is of. */
  readonly revision: number;
  /** In key order. */
  readonly records: readonly SourceEvent[];
  /** There is more in the range. */
  readonly more: boolean;
  readonly bytes: number;
  /** Milliseconds that it took. */
  readonly tookMs: number;
}

/** A page as it is said: the state of its keys at the stream's revision. */
export interface ReadyPage {
  readonly records: readonly SourceEvent[];
  readonly done: boolean;
}

interface HeldPage extends ReadyPage {
  /** Revision that its state is of. */
  readonly revision: number;
}

/**
 * A read of all keys of some ranges while a watch runs, page by page, each at the
 * revision that it finds: no page needs an old revision, so no compaction can end
 * it. A page whose revision is ahead of the stream is held until the stream is there;
 * one that is behind it is patched with the changes that came while it was on its
 * way. So each page is said as the state of its keys exactly at the stream's
 * revision, and whoever applies pages and changes in order has a true state.
 */
export class Scan {
  readonly id: number;
  readonly #ranges: KeyRange[];
  readonly #size = new PageSize();
  readonly #held: HeldPage[] = [];
  /** Of the page on its way: changes to what it may hold, since it was asked for. */
  #overlap: SourceEvent[] | undefined;
  #overflowed = false;

  constructor(id: number, ranges: readonly KeyRange[]) {
    this.id = id;
    this.#ranges = [...ranges];
  }

  /** Pages wait for the stream to come as far. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** The next page to read; undefined while one is on its way, too many wait, or none is left. */
  request(): PageRequest | undefined {
    const range = this.#ranges[0];
    if (range === undefined || this.#overlap !== undefined) return undefined;
    if (this.#held.length >= MAX_HELD_PAGES) return undefined;
    this.#overlap = [];
    this.#overflowed = false;
    return { scan: this.id, ...range, limit: this.#size.keys };
  }

  /** A change on the stream. */
  event(event: SourceEvent): void {
    const range = this.#ranges[0];
    if (this.#overlap === undefined || range === undefined || this.#overflowed) return;
    if (event.key < range.key || event.key >= range.end) return;
    if (this.#overlap.length >= MAX_SCAN_OVERLAP_EVENTS) {
      this.#overflowed = true;
      this.#overlap = [];
    } else {
      this.#overlap.push(event);
    }
  }

  /** The page that was asked for; `position` is the stream's revision. */
  page(page: Page, position: number): void {
    const overlap = this.#overlap ?? [];
    this.#overlap = undefined;
    this.#size.learn(page.records.length, page.bytes, page.tookMs);
    // Too much happened meanwhile to patch a page that is behind: it is read again.
    if (this.#overflowed && page.revision < position) return;
    const range = this.#ranges.shift() as KeyRange;
    const last = page.records.at(-1);
    // The first key after the last one of the page.
    const next = page.more && last !== undefined ? `${last.key}\0` : range.end;
    if (next < range.end) this.#ranges.unshift({ key: next, end: range.end });
    this.#held.push({
      revision: page.revision,
      records: patch(page, overlap, next),
      done: this.#ranges.length === 0,
    });
  }

  /** The page that was asked for didn't come; it will be asked for again. */
  failed(): void {
    this.#overlap = undefined;
  }

  /** The page was too large for a message, or too slow; false when it can't get smaller. */
  tooLarge(): boolean {
    this.#overlap = undefined;
    return this.#size.shrink();
  }

  /** Lowest revision that a page waits for. */
  get waitsFor(): number | undefined {
    return this.#held[0]?.revision;
  }

  /** The next page that can be said now that the stream is at `position`. */
  take(position: number): ReadyPage | undefined {
    const first = this.#held[0];
    return first !== undefined && first.revision <= position ? this.#held.shift() : undefined;
  }
}

/** A page with the changes that came after its revision. */
function patch(
  page: Page,
  overlap: readonly SourceEvent[],
  end: BinaryKey,
): readonly SourceEvent[] {
  const newer = overlap.filter((event) => event.modRevision > page.revision && event.key < end);
  if (newer.length === 0) return page.records;
  const records = new Map(page.records.map((record) => [record.key, record]));
  for (const event of newer) records.set(event.key, event);
  return [...records.values()];
}
