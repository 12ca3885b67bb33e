import { assert } from "../../shared/assert.js";
import { limitSize } from "../raft/size.js";
import type { Entry } from "../raft/types.js";

/** The retained entries in memory, as the Raft core reads them. */
export class LogView {
  /** Index and term just before the first entry. */
  #baseIndex: number;
  #baseTerm: number;
  #entries: Entry[];
  #bytes = 0;

  /** `entries` are consecutive and begin at baseIndex + 1; the array is kept. */
  constructor(baseIndex: number, baseTerm: number, entries: Entry[]) {
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
    this.#entries = entries;
    for (const entry of entries) this.#bytes += entry.data.length;
  }

  get baseIndex(): number {
    return this.#baseIndex;
  }

  get baseTerm(): number {
    return this.#baseTerm;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  /** Bytes of the payloads of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** As RaftStorage.entries. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] | undefined {
    if (lo <= this.#baseIndex) return undefined;
    assert(hi <= this.lastIndex + 1, () => `entries to ${hi}, the log ends at ${this.lastIndex}`);
    const start = this.#baseIndex + 1;
    return limitSize(this.#entries.slice(lo - start, hi - start), maxBytes);
  }

  /** As RaftStorage.term. */
  term(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  /** Appends consecutive entries, replacing all from the first one's index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0]?.index;
    if (first === undefined) return;
    assert(
      first > this.#baseIndex && first <= this.lastIndex + 1,
      () => `append at ${first}, the log goes from ${this.#baseIndex + 1} to ${this.lastIndex}`,
    );
    const removed = this.#entries.splice(first - this.#baseIndex - 1);
    for (const entry of removed) this.#bytes -= entry.data.length;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  /** Drops entries through `index`, which must be in the log. */
  compact(index: number): void {
    const term = this.term(index);
    assert(term !== undefined, () => `compaction at ${index}, the log ends at ${this.lastIndex}`);
    const removed = this.#entries.splice(0, index - this.#baseIndex);
    for (const entry of removed) this.#bytes -= entry.data.length;
    this.#baseIndex = index;
    this.#baseTerm = term;
  }

  /**
   * The smallest index that, compacted, leaves at most `maxBytes` of payloads; the base's
   * when nothing needs to go.
   */
  indexWithin(maxBytes: number): number {
    let bytes = this.#bytes;
    let dropped = 0;
    while (bytes > maxBytes) bytes -= (this.#entries[dropped++] as Entry).data.length;
    return this.#baseIndex + dropped;
  }
}
