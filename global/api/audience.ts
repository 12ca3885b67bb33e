import type { Clock } from "../../shared/clock.js";
import { AtollError } from "../../shared/errors.js";
import type { SubscribeResponse } from "../../shared/gen/atoll/global/v1/global_pb.js";
import {
  MAX_SLOW_POSITIONS,
  NOTICE_PAUSE_MS,
  SUBSCRIBER_STALL_MS,
  SUBSCRIPTION_HEARTBEAT_MS,
  UPDATE_GRID_MS,
} from "../../shared/limits.js";
import type { Sink } from "../../shared/rpc/context.js";
import { type Position, withoutStates } from "./position.js";
import { Subscriber } from "./subscriber.js";
import type { Teller } from "./teller.js";
import type { Ticked, Ticker } from "./ticker.js";
import { type Due, Told } from "./told.js";
import type { ViewChange } from "./view-source.js";

/** What all audiences of a gateway have sent. */
export interface AudienceBooks {
  messages: number;
  bytes: number;
  /** Subscribers that were ended because they took nothing. */
  stalled: number;
}

export interface AudienceOptions {
  readonly teller: Teller;
  /** Shortest time between two updates, in ms; 0 for what the gateway allows. */
  readonly intervalMs: number;
  /** Number of the newest notice and those before it that there were. */
  readonly noticesEnd: () => number;
  readonly ticker: Ticker;
  readonly clock: Clock;
  readonly books: AudienceBooks;
}

const FIRST: Due = { updates: true, heartbeat: true };

/**
 * The subscribers with one and the same question. They are told news at the same time,
 * and what leads on from a position is found and encoded once for all who stand there,
 * which all of them do that keep up. One that is slow stays where it stands, and is led
 * from there to the latest state when it is back.
 */
export class Audience implements Ticked {
  readonly #options: AudienceOptions;
  readonly #members = new Map<Subscriber, (error: unknown) => void>();
  readonly #fresh = new Set<Subscriber>();
  readonly #slow = new Set<Subscriber>();
  /** There may be news of groups. */
  #isDirty = false;
  /** When the first of them may be told. */
  #updateAtMs = Number.NEGATIVE_INFINITY;
  /** No subscriber may get an update before this. */
  #soonestMs = Number.NEGATIVE_INFINITY;
  #seenNotices: number;
  #noticeAtMs = Number.NEGATIVE_INFINITY;
  #heartbeatAtMs: number;

  constructor(options: AudienceOptions) {
    this.#options = options;
    this.#seenNotices = options.noticesEnd();
    this.#heartbeatAtMs = options.clock.monotonicMs() + SUBSCRIPTION_HEARTBEAT_MS;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Subscribers that can't take anything for now. */
  get slow(): number {
    return this.#slow.size;
  }

  /** Serves a subscriber until it goes away; rejects with why it is ended. */
  serve(sink: Sink<SubscribeResponse>, signal: AbortSignal, position: Position): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const { ticker, books } = this.#options;
      const subscriber = new Subscriber(sink, position, {
        drained: () => {
          this.#slow.delete(subscriber);
          this.#mayHaveNews(subscriber.updateAtMs);
          ticker.wake(this);
        },
        stalled: () => {
          books.stalled++;
          end(stallError());
        },
      });
      const leave = (): void => {
        signal.removeEventListener("abort", gone);
        subscriber.close();
        this.#members.delete(subscriber);
        this.#fresh.delete(subscriber);
        this.#slow.delete(subscriber);
      };
      const gone = (): void => {
        leave();
        resolve();
      };
      const end = (error: unknown): void => {
        leave();
        reject(error);
      };
      signal.addEventListener("abort", gone);
      this.#members.set(subscriber, end);
      this.#fresh.add(subscriber);
      ticker.wake(this);
    });
  }

  /** The view moved. */
  changed(change: ViewChange): void {
    const { teller, ticker } = this.#options;
    if (!teller.concerns(change)) return;
    this.#mayHaveNews(this.#soonestMs);
    ticker.wake(this);
  }

  dueMs(restUntilMs: number): number {
    if (this.#fresh.size > 0) return Number.NEGATIVE_INFINITY;
    let dueMs = this.#heartbeatAtMs;
    if (this.#isDirty) dueMs = Math.min(dueMs, Math.max(this.#updateAtMs, restUntilMs));
    if (this.#hasNotices) dueMs = Math.min(dueMs, this.#noticeAtMs);
    return dueMs;
  }

  tick(nowMs: number): void {
    const due: Due = {
      updates: this.#isDirty && nowMs >= this.#updateAtMs,
      heartbeat: nowMs >= this.#heartbeatAtMs,
    };
    const hasNotices = this.#hasNotices && nowMs >= this.#noticeAtMs;
    if (due.updates) this.#isDirty = false;
    if (due.heartbeat) this.#heartbeatAtMs = nowMs + SUBSCRIPTION_HEARTBEAT_MS;
    if (hasNotices) {
      this.#seenNotices = this.#options.noticesEnd();
      this.#noticeAtMs = nowMs + NOTICE_PAUSE_MS;
    }
    const isForAll = due.updates || due.heartbeat || hasNotices;
    if (isForAll) this.#soonestMs = Number.POSITIVE_INFINITY;
    const told = new Told(this.#options.teller, nowMs);
    for (const subscriber of isForAll ? this.#members.keys() : this.#fresh) {
      if (!subscriber.isSlow) this.#tell(subscriber, due, nowMs, told);
      this.#soonestMs = Math.min(this.#soonestMs, subscriber.updateAtMs);
    }
    if (this.#slow.size > 0) this.#boundSlow();
  }

  /** Ends all subscriptions with an error. */
  close(error: () => AtollError): void {
    for (const end of this.#members.values()) end(error());
    this.#options.teller.close();
  }

  get #hasNotices(): boolean {
    return this.#seenNotices !== this.#options.noticesEnd();
  }

  #mayHaveNews(fromMs: number): void {
    this.#updateAtMs = this.#isDirty ? Math.min(this.#updateAtMs, fromMs) : fromMs;
    this.#isDirty = true;
  }

  #tell(subscriber: Subscriber, due: Due, nowMs: number, told: Told): void {
    const { books, intervalMs } = this.#options;
    const isEarly = nowMs < subscriber.updateAtMs;
    if (due.updates && isEarly) this.#mayHaveNews(subscriber.updateAtMs);
    const own = subscriber.isFresh ? FIRST : { ...due, updates: due.updates && !isEarly };
    const step = told.step(subscriber.position, own);
    subscriber.isFresh = false;
    this.#fresh.delete(subscriber);
    subscriber.position = step.to;
    if (step.hasUpdates) subscriber.updateAtMs = nextBeatMs(nowMs, intervalMs);
    subscriber.send(step.frames);
    books.messages += step.frames.length;
    books.bytes += step.bytes;
    if (step.error !== undefined) this.#members.get(subscriber)?.(step.error);
    else if (subscriber.isSlow) this.#slow.add(subscriber);
  }

  /** Keeps slow subscribers from holding ever more old states in memory. */
  #boundSlow(): void {
    const held = new Set<Position>();
    for (const { position } of this.#slow) if (position.told.size > 0) held.add(position);
    for (const oldest of held) {
      if (held.size <= MAX_SLOW_POSITIONS) return;
      held.delete(oldest);
      const bare = withoutStates(oldest);
      for (const subscriber of this.#slow) {
        if (subscriber.position === oldest) subscriber.position = bare;
      }
    }
  }
}

function stallError(): AtollError {
  return new AtollError(
    "RESOURCE_EXHAUSTED",
    `the subscriber took nothing for ${SUBSCRIBER_STALL_MS} ms; its resume token goes on from there`,
  );
}

/**
 * When the next update may come, at the earliest. All who have the same interval meet on
 * the same moments, so that they come to be told the same.
 */
function nextBeatMs(nowMs: number, intervalMs: number): number {
  const gridMs = Math.max(UPDATE_GRID_MS, intervalMs / 10);
  return Math.floor((nowMs + intervalMs) / gridMs + 1) * gridMs;
}
