import { type Clock, systemClock } from "../../shared/clock.js";
import type { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { sha256 } from "../../shared/hash.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import { get } from "./get.js";
import { Hub } from "./hub.js";
import { regions } from "./regions.js";
import { subscribe } from "./subscribe.js";
import { summaries } from "./summaries.js";
import type { ViewSource } from "./view-source.js";

/** The consumers' API of one gateway: transport-neutral handlers over its view. */
export class GlobalApi {
  readonly handlers: Handlers<typeof GlobalService>;
  readonly #hub: Hub;
  readonly #closing = new AbortController();

  constructor(source: ViewSource, clock: Clock = systemClock) {
    const hub = new Hub(source, sha256);
    const options = { hash: sha256, clock, closing: this.#closing.signal };
    this.#hub = hub;
    this.handlers = {
      get: (request) => get(source, request),
      subscribe: (request, sink, context) => subscribe(hub, request, sink, context, options),
      regions: () => regions(source),
      summaries: (request) => summaries(source, request),
    };
  }

  /** Subscriptions that are open. */
  get subscriptions(): number {
    return this.#hub.subscriptions;
  }

  /** Ends all subscriptions with UNAVAILABLE, so that they resume elsewhere. Safe to call again. */
  close(): void {
    this.#closing.abort();
    this.#hub.close();
  }
}
