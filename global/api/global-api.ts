import { type Clock, systemClock } from "../../shared/clock.js";
import type { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { sha256 } from "../../shared/hash.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { AudienceBooks } from "./audience.js";
import { Audiences } from "./audiences.js";
import { type ApiObserver, ContractDesk } from "./contract-desk.js";
import { get } from "./get.js";
import { Hub } from "./hub.js";
import { regions } from "./regions.js";
import { resolve } from "./resolve.js";
import { summaries } from "./summaries.js";
import type { ViewSource } from "./view-source.js";
import { Waits } from "./wait.js";

/** The consumers' API of one gateway: transport-neutral handlers over its view. */
export class GlobalApi {
  readonly handlers: Handlers<typeof GlobalService>;
  readonly #hub: Hub;
  readonly #desk: ContractDesk;
  readonly #audiences: Audiences;
  readonly #waits: Waits;
  readonly #closing = new AbortController();

  constructor(source: ViewSource, observer: ApiObserver, clock: Clock = systemClock) {
    const hub = new Hub(source, sha256);
    const desk = new ContractDesk(source, observer);
    this.#hub = hub;
    this.#desk = desk;
    this.#audiences = new Audiences({ hub, desk, hash: sha256, clock });
    this.#waits = new Waits(desk, clock, this.#closing.signal);
    this.handlers = {
      get: (request) => get(desk, request),
      subscribe: (request, sink, context) => this.#audiences.serve(request, sink, context),
      wait: (request, context) => this.#waits.wait(request, context),
      resolve: (request) => resolve(source, request),
      regions: () => regions(source),
      summaries: (request) => summaries(source, request),
    };
  }

  /** Subscriptions that are open. */
  get subscriptions(): number {
    return this.#audiences.size;
  }

  /** Those of them that can't take anything for now. */
  get slowSubscriptions(): number {
    return this.#audiences.slow;
  }

  /** What subscribers were sent so far, and how many were ended because they took nothing. */
  get subscriptionBooks(): Readonly<AudienceBooks> {
    return this.#audiences.books;
  }

  /** Calls to Wait that are open. */
  get waits(): number {
    return this.#waits.open;
  }

  /**
   * Ends all subscriptions and waits with UNAVAILABLE, so that they go on elsewhere. Safe
   * to call again.
   */
  close(): void {
    this.#closing.abort();
    this.#audiences.close();
    this.#desk.close();
    this.#hub.close();
  }
}
