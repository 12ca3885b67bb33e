import { WATCH_CATCH_UP_ROWS } from "../../shared/limits.js";
import type { KvRow } from "../store/row.js";
import type { WatchHistory } from "./contract.js";
import { SharedEvent } from "./event.js";
import { sendEvents } from "./send.js";
import type { StreamState } from "./stream-state.js";
import type { Watcher } from "./watcher.js";
import type { WatcherIndex } from "./watcher-index.js";

/**
 * Brings streams with watchers that are behind up to date, one bounded step of one stream
 * at a time and the streams in turn, so that a watcher that reads a million revisions
 * doesn't hold up the others.
 */
export class CatchUp {
  readonly #synced: WatcherIndex;
  #queue: StreamState[] = [];
  /** Streams whose progress waits for a revision that is yet to come. */
  readonly #waiting = new Set<StreamState>();

  /** Watchers that have caught up go to `synced`. */
  constructor(synced: WatcherIndex) {
    this.#synced = synced;
  }

  enqueue(stream: StreamState): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#queue.push(stream);
  }

  /** A revision has come: streams that waited for one may have progress to tell. */
  wake(): void {
    for (const stream of this.#waiting) this.enqueue(stream);
    this.#waiting.clear();
  }

  /** Does a step; true while there is more to do now. */
  step(history: WatchHistory): boolean {
    const streams = this.#queue;
    this.#queue = [];
    let budget = WATCH_CATCH_UP_ROWS;
    for (const stream of streams) {
      stream.queued = false;
      if (budget <= 0) {
        this.enqueue(stream);
        continue;
      }
      budget -= this.#stepStream(stream, history);
      const hasWork = stream.behind.size > 0 && !stream.blocked && !stream.closed;
      if (hasWork) this.enqueue(stream);
    }
    return this.#queue.length > 0;
  }

  /** Returns how many rows it read. */
  #stepStream(stream: StreamState, history: WatchHistory): number {
    if (stream.closed || stream.blocked) return 0;
    const read = stream.behind.size === 0 ? 0 : this.#readOn(stream, history);
    this.#sendProgress(stream, history);
    return read;
  }

  #readOn(stream: StreamState, history: WatchHistory): number {
    const from = this.#oldestWanted(stream, history);
    if (from === undefined) return 0;
    const { rows, next } = history.rowsSince(from, WATCH_CATCH_UP_ROWS);
    const told = next === 0 ? history.currentRevision : next - 1;
    this.#collect(stream, rows, history);
    for (const watcher of [...stream.behind.all()]) {
      if (watcher.nextRevision > told + 1) {
        // It begins in the future: a replaced history put it here.
        if (next === 0) this.#release(stream, watcher);
        continue;
      }
      const events = watcher.found;
      watcher.found = [];
      if (events.length > 0) {
        if (stream.blocked) {
          watcher.nextRevision = events[0]?.row.modRevision ?? watcher.nextRevision;
          continue;
        }
        sendEvents(watcher, history.currentRevision, events);
      }
      watcher.nextRevision = told + 1;
      if (next === 0) this.#release(stream, watcher);
    }
    return Math.max(1, rows.length);
  }

  /** The watcher has caught up. */
  #release(stream: StreamState, watcher: Watcher): void {
    stream.behind.delete(watcher);
    this.#synced.add(watcher);
  }

  /** Where the watcher that is furthest behind goes on; tells those that are too far behind. */
  #oldestWanted(stream: StreamState, history: WatchHistory): number | undefined {
    let oldest: number | undefined;
    for (const watcher of [...stream.behind.all()]) {
      if (watcher.nextRevision < 0 || watcher.nextRevision < history.compactRevision) {
        this.#endCompacted(stream, watcher, history);
        if (stream.blocked) return undefined;
      } else if (oldest === undefined || watcher.nextRevision < oldest) {
        oldest = watcher.nextRevision;
      }
    }
    return oldest;
  }

  #endCompacted(stream: StreamState, watcher: Watcher, history: WatchHistory): void {
    const { id } = watcher;
    stream.behind.delete(watcher);
    stream.watchers.delete(id);
    if (!stream.sink.compacted(id, history.currentRevision, history.compactRevision))
      stream.blocked = true;
  }

  #collect(stream: StreamState, rows: readonly KvRow[], history: WatchHistory): void {
    const previousOf = (row: KvRow): KvRow | undefined => history.previous(row);
    for (const row of rows) {
      let event: SharedEvent | undefined;
      stream.behind.visit(row.key, (watcher) => {
        if (!watcher.wants(row)) return;
        event ??= new SharedEvent(row, previousOf);
        watcher.found.push(event);
      });
    }
  }

  /**
   * Progress of the whole stream speaks for all its watchers, so it waits for the last
   * one (etcd issue 15220), those that begin in the future included (20221).
   */
  #sendProgress(stream: StreamState, history: WatchHistory): void {
    if (!stream.progressWanted || stream.blocked || stream.behind.size > 0) return;
    const current = history.currentRevision;
    for (const watcher of stream.watchers.values()) {
      if (watcher.nextRevision > current + 1) {
        this.#waiting.add(stream);
        return;
      }
    }
    stream.progressWanted = false;
    if (!stream.sink.progress(-1n, current)) stream.blocked = true;
  }
}
