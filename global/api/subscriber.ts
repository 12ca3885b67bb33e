import type { SubscribeResponse } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { SUBSCRIBER_STALL_MS } from "../../shared/limits.js";
import type { Sink } from "../../shared/rpc/context.js";
import type { Position } from "./position.js";

/** Told of what becomes of a slow subscriber. */
export interface SlowSubscriberEvents {
  /** It has taken all that was held back for it. */
  drained(): void;
  /** It has taken nothing for SUBSCRIBER_STALL_MS. */
  stalled(): void;
}

const NOTHING: readonly Uint8Array[] = [];

/**
 * One subscriber's end: where it stands, and what is left of the messages that lead
 * there while it is slow. No more than that is ever held for it; the messages are
 * shared with all who stand where it does.
 */
export class Subscriber {
  position: Position;
  /** It has got nothing yet. */
  isFresh = true;
  /** It gets no update before this moment of the monotonic clock. */
  updateAtMs = Number.NEGATIVE_INFINITY;
  readonly #sink: Sink<SubscribeResponse>;
  readonly #events: SlowSubscriberEvents;
  #left = NOTHING;
  #stall: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(sink: Sink<SubscribeResponse>, position: Position, events: SlowSubscriberEvents) {
    this.#sink = sink;
    this.position = position;
    this.#events = events;
  }

  /** Nothing may be sent for now. */
  get isSlow(): boolean {
    return this.#stall !== undefined;
  }

  /** Sends messages, the last of them when it can take them. */
  send(frames: readonly Uint8Array[]): void {
    for (let index = 0; index < frames.length; index++) {
      if (this.#sink.send(frames[index] as Uint8Array)) continue;
      this.#hold(index + 1 === frames.length ? NOTHING : frames.slice(index + 1));
      return;
    }
  }

  /** Sends nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#left = NOTHING;
    clearTimeout(this.#stall);
    this.#stall = undefined;
  }

  #hold(left: readonly Uint8Array[]): void {
    this.#left = left;
    this.#stall = setTimeout(() => this.#events.stalled(), SUBSCRIBER_STALL_MS);
    void this.#sink.drained().then(() => this.#drained());
  }

  #drained(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#stall);
    this.#stall = undefined;
    const left = this.#left;
    this.#left = NOTHING;
    this.send(left);
    if (!this.isSlow) this.#events.drained();
  }
}
