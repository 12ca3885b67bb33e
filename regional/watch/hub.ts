import type { KvRow } from "../store/row.js";
import { CatchUp } from "./catch-up.js";
import type { WatchHistory, WatchSink, WatchStream } from "./contract.js";
import { SharedEvent } from "./event.js";
import { HubStream } from "./hub-stream.js";
import { sendEvents } from "./send.js";
import { StreamState } from "./stream-state.js";
import type { Watcher } from "./watcher.js";
import { WatcherIndex } from "./watcher-index.js";

export type {
  WatchCreated,
  WatchHistory,
  WatchOptions,
  WatchSink,
  WatchStream,
} from "./contract.js";

/**
 * Tells watchers of changes: at once those that are caught up, from history in bounded
 * steps those that are behind, nothing those whose peer is slow. No gap, no duplicate, in
 * order of revision; a revision is never split unless the watcher allows fragments.
 * Rules: etcd `server/storage/mvcc/watchable_store.go`.
 */
export class WatchHub {
  readonly #synced = new WatcherIndex();
  readonly #streams = new Set<StreamState>();
  readonly #catchUp: CatchUp;
  #history: WatchHistory;
  /** Called when pump() has become useful; set by the owner. */
  onWork: (() => void) | undefined;

  constructor(history: WatchHistory) {
    this.#history = history;
    this.#catchUp = new CatchUp(this.#synced);
  }

  /** Watchers of all streams. */
  get watcherCount(): number {
    return this.#synced.size + this.unsyncedCount;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Watchers that are behind. */
  get unsyncedCount(): number {
    let count = 0;
    for (const stream of this.#streams) count += stream.behind.size;
    return count;
  }

  /** Begins a Watch call, whose messages go to `sink`. */
  open(sink: WatchSink): WatchStream {
    const state = new StreamState(sink);
    this.#streams.add(state);
    return new HubStream(state, {
      history: () => this.#history,
      synced: this.#synced,
      enqueue: (stream) => {
        this.#catchUp.enqueue(stream);
        this.onWork?.();
      },
      closed: (stream) => this.#streams.delete(stream),
    });
  }

  /** Takes the rows of a batch that was just applied (AppliedChanges.rows). */
  dispatch(rows: readonly KvRow[]): void {
    if (this.#synced.size === 0) return;
    const touched = this.#collect(rows);
    const revision = rows.at(-1)?.modRevision ?? this.#history.currentRevision;
    for (const watcher of touched) {
      const events = watcher.found;
      watcher.found = [];
      if (watcher.stream.blocked) {
        this.#fallBehind(watcher, events[0]?.row.modRevision ?? revision);
        continue;
      }
      sendEvents(watcher, revision, events);
      watcher.nextRevision = revision + 1;
    }
    this.#catchUp.wake();
  }

  #collect(rows: readonly KvRow[]): Set<Watcher> {
    const touched = new Set<Watcher>();
    const previousOf = (row: KvRow): KvRow | undefined => this.#history.previous(row);
    for (const row of rows) {
      let event: SharedEvent | undefined;
      this.#synced.visit(row.key, (watcher) => {
        if (!watcher.wants(row)) return;
        event ??= new SharedEvent(row, previousOf);
        watcher.found.push(event);
        touched.add(watcher);
      });
    }
    return touched;
  }

  #fallBehind(watcher: Watcher, revision: number): void {
    this.#synced.delete(watcher);
    watcher.nextRevision = revision;
    watcher.stream.behind.add(watcher);
  }

  /**
   * Lets watchers that are behind catch up by a bounded step, streams in turn; true while
   * there is more to do now. Call it after dispatch and in later turns while true, and
   * `onWork` tells when a creation or a drained sink made new work.
   */
  pump(): boolean {
    return this.#catchUp.step(this.#history);
  }

  /**
   * Sends progress to watchers that asked for it and were told nothing since the last
   * call; call it each PROGRESS_NOTIFY_INTERVAL_MS.
   */
  notifyProgress(): void {
    const current = this.#history.currentRevision;
    for (const watcher of this.#synced.all()) {
      const { stream, options } = watcher;
      if (!options.progressNotify || stream.blocked || watcher.nextRevision > current + 1) continue;
      if (watcher.idle && !stream.sink.progress(watcher.id, current)) stream.blocked = true;
      watcher.idle = true;
    }
  }

  /**
   * Continues with another state, after a snapshot was installed. What lies between the
   * two was not dispatched, so every watcher reads on from history.
   */
  replaceHistory(history: WatchHistory): void {
    const before = this.#history.currentRevision;
    this.#history = history;
    for (const watcher of [...this.#synced.all()]) {
      this.#fallBehind(watcher, Math.max(watcher.nextRevision, before + 1));
    }
    for (const stream of this.#streams) this.#catchUp.enqueue(stream);
    this.onWork?.();
  }
}
