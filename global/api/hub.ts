import type { HashFunction } from "../digest/hash.js";
import { Feed } from "./feed.js";
import { NoticeLog } from "./notice-log.js";
import type { ViewChange, ViewSource } from "./view-source.js";

interface SharedFeed {
  readonly feed: Feed;
  users: number;
}

/** What all subscriptions of a gateway share: the feeds, the notices, and one ear at the view. */
export class Hub {
  readonly source: ViewSource;
  readonly notices: NoticeLog;
  readonly #hash: HashFunction;
  readonly #feeds = new Map<string, SharedFeed>();
  #listener: (change: ViewChange) => void = () => {};
  readonly #stop: () => void;

  constructor(source: ViewSource, hash: HashFunction) {
    this.source = source;
    this.#hash = hash;
    this.notices = new NoticeLog(source.view.state);
    this.#stop = source.onChange((change) => this.#moved(change));
  }

  /** Tells one listener of every change of groups and standings; the result ends it. */
  listen(listener: (change: ViewChange) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = () => {};
    };
  }

  /** The feed of a summary over the given regions (undefined for all); to be released. */
  acquire(summary: string, regions: readonly string[] | undefined): Feed {
    const key = feedKey(summary, regions);
    let shared = this.#feeds.get(key);
    if (shared === undefined) {
      shared = { feed: new Feed(this.source, summary, regions, this.#hash), users: 0 };
      this.#feeds.set(key, shared);
    }
    shared.users++;
    return shared.feed;
  }

  /** Gives a feed back; the last one to do so ends it. */
  release(summary: string, regions: readonly string[] | undefined): void {
    const key = feedKey(summary, regions);
    const shared = this.#feeds.get(key);
    if (shared !== undefined && --shared.users === 0) this.#feeds.delete(key);
  }

  /** Hears nothing any more. */
  close(): void {
    this.#stop();
  }

  #moved(change: ViewChange): void {
    const reach = this.notices.observe(change);
    const seen = reach === "region" ? { region: change.region, summary: undefined } : change;
    for (const { feed } of this.#feeds.values()) {
      if (seen.summary === undefined || seen.summary === feed.summary) feed.touch();
    }
    // New versions of equal content can wait for the subscribers' next heartbeat.
    if (reach === "version") return;
    this.#listener(seen);
  }
}

function feedKey(summary: string, regions: readonly string[] | undefined): string {
  return JSON.stringify([summary, regions ?? null]);
}
