import type { WatchCreated, WatchHistory, WatchOptions, WatchStream } from "./contract.js";
import type { StreamState } from "./stream-state.js";
import { Watcher, watchRange } from "./watcher.js";
import type { WatcherIndex } from "./watcher-index.js";

/** What a stream needs of the hub that it belongs to. */
export interface HubAccess {
  history(): WatchHistory;
  readonly synced: WatcherIndex;
  /** The stream has something for pump() to do. */
  enqueue(stream: StreamState): void;
  closed(stream: StreamState): void;
}

/** One Watch call on the hub. */
export class HubStream implements WatchStream {
  readonly #state: StreamState;
  readonly #hub: HubAccess;

  constructor(state: StreamState, hub: HubAccess) {
    this.#state = state;
    this.#hub = hub;
  }

  get size(): number {
    return this.#state.watchers.size;
  }

  create(options: WatchOptions): WatchCreated {
    const history = this.#hub.history();
    const revision = history.currentRevision;
    const range = watchRange(options);
    if (range === undefined)
      return { watchId: -1n, revision, failure: "mvcc: watcher range is empty" };
    if (options.watchId !== 0n && this.#state.watchers.has(options.watchId)) {
      return {
        watchId: -1n,
        revision,
        failure: "mvcc: duplicate watch ID provided on the WatchStream",
      };
    }
    const watchId = options.watchId === 0n ? this.#state.chooseId() : options.watchId;
    const start = options.startRevision === 0 ? revision + 1 : options.startRevision;
    const watcher = new Watcher(watchId, this.#state, range, options, start);
    this.#state.watchers.set(watchId, watcher);
    if (start > revision) {
      this.#hub.synced.add(watcher);
    } else {
      this.#state.behind.add(watcher);
      this.#hub.enqueue(this.#state);
    }
    return { watchId, revision, failure: undefined };
  }

  cancel(watchId: bigint): boolean {
    const watcher = this.#state.watchers.get(watchId);
    if (watcher === undefined) return false;
    this.#state.watchers.delete(watchId);
    this.#forget(watcher);
    return true;
  }

  #forget(watcher: Watcher): void {
    if (this.#state.behind.has(watcher)) this.#state.behind.delete(watcher);
    else this.#hub.synced.delete(watcher);
  }

  requestProgress(): void {
    this.#state.progressWanted = true;
    this.#hub.enqueue(this.#state);
  }

  drained(): void {
    if (!this.#state.blocked) return;
    this.#state.blocked = false;
    this.#hub.enqueue(this.#state);
  }

  close(): void {
    if (this.#state.closed) return;
    this.#state.closed = true;
    for (const watcher of this.#state.watchers.values()) this.#forget(watcher);
    this.#state.watchers.clear();
    this.#hub.closed(this.#state);
  }
}
