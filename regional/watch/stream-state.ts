import type { WatchSink } from "./contract.js";
import type { Watcher, WatcherStream } from "./watcher.js";
import { WatcherIndex } from "./watcher-index.js";

/** What the hub keeps of one Watch call. */
export class StreamState implements WatcherStream {
  readonly sink: WatchSink;
  readonly watchers = new Map<bigint, Watcher>();
  readonly behind = new WatcherIndex();
  blocked = false;
  closed = false;
  /** Progress was asked for and not sent yet. */
  progressWanted = false;
  /** It waits in the hub's queue for a step of catching up. */
  queued = false;
  #nextId = 0n;

  constructor(sink: WatchSink) {
    this.sink = sink;
  }

  /** The lowest id from 0 on that was not chosen before and is free, as etcd chooses. */
  chooseId(): bigint {
    while (this.watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }
}
