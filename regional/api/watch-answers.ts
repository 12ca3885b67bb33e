import type { Sink } from "../../shared/rpc/context.js";
import type { WatchEvent } from "../watch/event.js";
import type { WatchCreated, WatchSink } from "../watch/hub.js";
import type { ResponseHeaders } from "./response-header.js";
import {
  allocate,
  bytesFieldSize,
  int64Size,
  numberFieldSize,
  writeBytesHead,
  writeInt64,
  writeNumberField,
} from "./wire.js";

/** WatchResponse's tag bytes. */
const WATCH_ID = 0x10;
const CREATED = 0x18;
const CANCELED = 0x20;
const COMPACT_REVISION = 0x28;
const CANCEL_REASON = 0x32;
const FRAGMENT = 0x38;

/** The id of no watcher: failed creations, and progress of a whole stream. */
export const NO_WATCH_ID = -1n;

/** What a response says besides header, id and events. */
interface Control {
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compactRevision?: number;
  readonly cancelReason?: string;
}

function watchIdSize(watchId: bigint): number {
  return watchId === 0n ? 0 : 1 + int64Size(watchId);
}

function writeWatchId(into: Uint8Array, at: number, watchId: bigint): number {
  if (watchId === 0n) return at;
  into[at] = WATCH_ID;
  return writeInt64(into, at + 1, watchId);
}

/**
 * The messages of one Watch call. Events come encoded from the hub, once for all watchers;
 * here they only get a header and the watcher's id.
 */
export class WatchAnswers implements WatchSink {
  readonly #headers: ResponseHeaders;
  readonly #sink: Sink<never>;
  readonly #onSlow: () => void;

  /** `onSlow` is called when a message was taken and the peer can't take more for now. */
  constructor(headers: ResponseHeaders, sink: Sink<never>, onSlow: () => void) {
    this.#headers = headers;
    this.#sink = sink;
    this.#onSlow = onSlow;
  }

  #send(message: Uint8Array): boolean {
    const isReady = this.#sink.send(message);
    if (!isReady) this.#onSlow();
    return isReady;
  }

  events(
    watchId: bigint,
    revision: number,
    events: readonly WatchEvent[],
    prevKv: boolean,
    fragment: boolean,
  ): boolean {
    let size = this.#headers.fieldSize(revision) + watchIdSize(watchId) + (fragment ? 2 : 0);
    for (const event of events) size += event.field(prevKv).length;
    const message = allocate(size);
    let at = this.#headers.writeField(message, 0, revision);
    at = writeWatchId(message, at, watchId);
    at = writeNumberField(message, at, FRAGMENT, fragment ? 1 : 0);
    for (const event of events) {
      const field = event.field(prevKv);
      message.set(field, at);
      at += field.length;
    }
    return this.#send(message);
  }

  progress(watchId: bigint, revision: number): boolean {
    return this.#control(watchId, revision, {});
  }

  /** etcd leaves the revision out of this one (`mvcc/watcher_group.go`, chooseAll). */
  compacted(watchId: bigint, _revision: number, compactRevision: number): boolean {
    return this.#control(watchId, 0, { canceled: true, compactRevision });
  }

  /** The answer to a creation, good or bad. */
  created({ watchId, revision, failure }: WatchCreated): boolean {
    return failure === undefined
      ? this.#control(watchId, revision, { created: true })
      : this.#control(NO_WATCH_ID, revision, {
          created: true,
          canceled: true,
          cancelReason: failure,
        });
  }

  /** The answer to a cancellation. */
  canceled(watchId: bigint, revision: number): boolean {
    return this.#control(watchId, revision, { canceled: true });
  }

  #control(watchId: bigint, revision: number, control: Control): boolean {
    const reason = Buffer.from(control.cancelReason ?? "", "utf8");
    const compactRevision = control.compactRevision ?? 0;
    const size =
      this.#headers.fieldSize(revision) +
      watchIdSize(watchId) +
      (control.created === true ? 2 : 0) +
      (control.canceled === true ? 2 : 0) +
      numberFieldSize(compactRevision) +
      (reason.length === 0 ? 0 : bytesFieldSize(reason.length));
    const message = allocate(size);
    let at = this.#headers.writeField(message, 0, revision);
    at = writeWatchId(message, at, watchId);
    at = writeNumberField(message, at, CREATED, control.created === true ? 1 : 0);
    at = writeNumberField(message, at, CANCELED, control.canceled === true ? 1 : 0);
    at = writeNumberField(message, at, COMPACT_REVISION, compactRevision);
    if (reason.length > 0) {
      message.set(reason, writeBytesHead(message, at, CANCEL_REASON, reason.length));
    }
    return this.#send(message);
  }
}
