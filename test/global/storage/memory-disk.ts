import type { GlobalState } from "../../../global/digest/global-state.js";
import type { ClockReading } from "../../../global/storage/core/clock-reading.js";
import { Keeper, type SaveTime } from "../../../global/storage/core/keeper.js";
import { RowPacker, unpackRows } from "../../../global/storage/core/packed-rows.js";
import { type Restored, Restorer } from "../../../global/storage/core/restorer.js";
import type { KeptSource } from "../../../global/storage/core/row-values.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import { fromBinaryKey, toBinaryKey } from "../../../shared/bytes.js";

/** The machine's clocks when all of them show `ms` since it was started. */
export function clocksAt(ms: number, bootId = "boot-1"): ClockReading {
  return { bootId, bootMs: ms, monotonicMs: ms, wallMs: 1_000_000 + ms };
}

export function timeAt(ms: number, bootId?: string): SaveTime {
  return { reading: clocksAt(ms, bootId), ageNowMs: ms };
}

type Rows = ReadonlyMap<string, Uint8Array>;

/** Rows as a database holds them, and all states that it was in after a commit. */
export class MemoryDisk {
  /** After each commit; the first is that of an empty disk. */
  readonly commits: Rows[] = [new Map()];
  /** Rows that were written or removed, by commit. */
  readonly written: number[] = [];
  #open: Map<string, Uint8Array> | undefined;
  #openRows = 0;

  get rows(): Rows {
    return this.commits.at(-1) ?? new Map();
  }

  /** Carries out a save; `crashAfter` pieces it breaks off, and what isn't committed is lost. */
  save(keeper: Keeper, time: SaveTime, crashAfter = Number.POSITIVE_INFINITY): void {
    let pieces = 0;
    for (const { packed, committed, rows } of keeper.save(time)) {
      if (pieces++ >= crashAfter) break;
      this.#apply(packed);
      this.#openRows += rows;
      if (committed === undefined) continue;
      this.commits.push(this.#open ?? new Map());
      this.written.push(this.#openRows);
      this.#open = undefined;
      this.#openRows = 0;
      committed();
    }
    this.#open = undefined;
    this.#openRows = 0;
  }

  #apply(packed: Uint8Array): void {
    this.#open ??= new Map(this.rows);
    for (const { operation, key, value } of unpackRows(packed)) {
      const name = toBinaryKey(key);
      if (operation === "put") this.#open.set(name, Uint8Array.from(value));
      else if (operation === "remove") this.#open.delete(name);
      else
        for (const other of this.#open.keys()) if (other.startsWith(name)) this.#open.delete(other);
    }
  }
}

/** A state with what keeps it. */
export class Keeping {
  readonly state: GlobalState;
  readonly freshness: FreshnessBook;
  readonly keeper: Keeper;
  source: KeptSource | undefined;

  constructor(state: GlobalState) {
    this.state = state;
    this.freshness = new FreshnessBook(state);
    this.keeper = new Keeper({
      state,
      freshness: this.freshness,
      source: () => this.source,
    });
  }

  /** Takes back what rows say, in pieces of a few. */
  restore(rows: Rows, time: SaveTime, damaged: ReadonlySet<string> = new Set()): Restored {
    const { state, freshness } = this;
    const restorer = new Restorer({ state, freshness, ledger: this.keeper.ledger, time });
    const packer = new RowPacker();
    for (const [key, value] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
      packer.add(damaged.has(key) ? "damaged" : "put", fromBinaryKey(key), value);
      if (packer.rows === 3) restorer.take(packer.take());
    }
    restorer.take(packer.take());
    return restorer.finish();
  }
}
