import type { Clock } from "../../shared/clock.js";
import { AtollError } from "../../shared/errors.js";
import type {
  SubscribeRequest,
  SubscribeResponse,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_SUBSCRIPTIONS } from "../../shared/limits.js";
import type { CallContext, Sink } from "../../shared/rpc/context.js";
import type { HashFunction } from "../digest/hash.js";
import { Audience, type AudienceBooks } from "./audience.js";
import type { ContractDesk } from "./contract-desk.js";
import type { Hub } from "./hub.js";
import { firstPosition, type Position } from "./position.js";
import { type AskedSubscription, readSubscription } from "./subscription-request.js";
import { Teller } from "./teller.js";
import { Ticker } from "./ticker.js";

export interface AudiencesOptions {
  readonly hub: Hub;
  readonly desk: ContractDesk;
  readonly hash: HashFunction;
  readonly clock: Clock;
}

/** The subscriptions of one gateway, those with the same question together. */
export class Audiences {
  readonly books: AudienceBooks = { messages: 0, bytes: 0, stalled: 0 };
  readonly #options: AudiencesOptions;
  readonly #ticker: Ticker;
  readonly #audiences = new Map<string, Audience>();
  /** Where those begin who come with the same token at the same time, by the token. */
  readonly #beginnings = new Map<string, Position>();
  readonly #stop: () => void;
  #isClosed = false;

  constructor(options: AudiencesOptions) {
    this.#options = options;
    this.#ticker = new Ticker(options.clock);
    this.#stop = options.hub.listen((change) => {
      for (const audience of this.#audiences.values()) audience.changed(change);
    });
  }

  /** Subscriptions that are open. */
  get size(): number {
    return this.#count(({ size }) => size);
  }

  /** Those of them that can't take anything for now. */
  get slow(): number {
    return this.#count(({ slow }) => slow);
  }

  /**
   * Serves one subscription until the caller goes away. Throws AtollError naming the
   * field that is wrong, or why it is ended.
   */
  async serve(
    request: SubscribeRequest,
    sink: Sink<SubscribeResponse>,
    { signal }: CallContext,
  ): Promise<void> {
    if (this.size >= MAX_SUBSCRIPTIONS) {
      throw new AtollError(
        "RESOURCE_EXHAUSTED",
        `this gateway serves ${MAX_SUBSCRIPTIONS} subscriptions already; ask another one`,
      );
    }
    const { hub, hash } = this.#options;
    const asked = readSubscription(hub.source, request, hash);
    if (this.#isClosed) throw stopping();
    const audience = this.#audience(asked);
    try {
      await audience.serve(sink, signal, this.#beginning(asked));
    } finally {
      if (audience.size === 0 && this.#audiences.get(asked.question) === audience) {
        this.#audiences.delete(asked.question);
        this.#ticker.remove(audience);
        audience.close(stopping);
      }
    }
  }

  /** Ends all subscriptions with UNAVAILABLE. Safe to call again. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#ticker.stop();
    for (const audience of this.#audiences.values()) audience.close(stopping);
    this.#audiences.clear();
  }

  #count(of: (audience: Audience) => number): number {
    let count = 0;
    for (const audience of this.#audiences.values()) count += of(audience);
    return count;
  }

  #audience({ question, wanted, intervalMs }: AskedSubscription): Audience {
    const known = this.#audiences.get(question);
    if (known !== undefined) return known;
    const { hub, desk, clock } = this.#options;
    const audience = new Audience({
      teller: new Teller(hub, desk, wanted),
      intervalMs,
      noticesEnd: () => hub.notices.end,
      ticker: this.#ticker,
      clock,
      books: this.books,
    });
    this.#audiences.set(question, audience);
    this.#ticker.add(audience);
    return audience;
  }

  #beginning({ question, token, places, remark }: AskedSubscription): Position {
    const { end } = this.#options.hub.notices;
    const key = JSON.stringify([question, token, end]);
    let position = this.#beginnings.get(key);
    if (position === undefined) {
      position = firstPosition(places, remark, end);
      this.#beginnings.set(key, position);
      // Those that are served by the same beat came in the same turn, or the one before it.
      setImmediate(() => this.#beginnings.delete(key));
    }
    return position;
  }
}

function stopping(): AtollError {
  return new AtollError("UNAVAILABLE", "the gateway is stopping; resume at another");
}
