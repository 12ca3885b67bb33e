import type { BinaryKey } from "../../shared/bytes.js";
import type { KvRow } from "../store/row.js";
import type { WatchOptions, WatchSink } from "./contract.js";
import type { WatchEvent } from "./event.js";

/** A key range in the store's terms: `end` undefined means the one key, "\0" all from it on. */
export interface WatchRange {
  readonly from: BinaryKey;
  readonly end: BinaryKey | undefined;
}

/** etcd's reading of key and range_end (server/etcdserver/api/v3rpc/watch.go); undefined: empty. */
export function watchRange(
  options: Pick<WatchOptions, "key" | "rangeEnd">,
): WatchRange | undefined {
  const from = options.key === "" ? "\0" : options.key;
  if (options.rangeEnd === "") return { from, end: undefined };
  if (options.rangeEnd !== "\0" && options.rangeEnd <= from) return undefined;
  return { from, end: options.rangeEnd };
}

/** What a watcher knows of the stream that it belongs to. */
export interface WatcherStream {
  readonly sink: WatchSink;
  /** The peer is slow: nothing is sent until it has drained. */
  blocked: boolean;
  /** Watchers of the stream that have events to read from history. */
  readonly behind: { add(watcher: Watcher): void; delete(watcher: Watcher): void };
}

/** One watcher and how far it has been told. */
export class Watcher {
  readonly id: bigint;
  readonly stream: WatcherStream;
  readonly range: WatchRange;
  readonly options: WatchOptions;
  /** All events below this revision have been sent or were not wanted. */
  nextRevision: number;
  /** Events found in the batch that is being dispatched. */
  found: WatchEvent[] = [];
  /** Nothing was sent since the last round of progress notifications. */
  idle = false;

  constructor(
    id: bigint,
    stream: WatcherStream,
    range: WatchRange,
    options: WatchOptions,
    nextRevision: number,
  ) {
    this.id = id;
    this.stream = stream;
    this.range = range;
    this.options = options;
    this.nextRevision = nextRevision;
  }

  /** Whether it is to be told of a row within its range. */
  wants(row: KvRow): boolean {
    if (row.modRevision < this.nextRevision) return false;
    return row.version === 0 ? !this.options.noDelete : !this.options.noPut;
  }
}
