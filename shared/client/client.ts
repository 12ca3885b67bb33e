import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type Clock, systemClock } from "../clock.js";
import { AtollError } from "../errors.js";
import {
  type GetRequestSchema,
  type GetResponse,
  GlobalService,
  type RegionsResponse,
  type ResolveRequestSchema,
  type ResolveResponse,
  type SubscribeRequestSchema,
  type WaitRequestSchema,
  type WaitResponse,
} from "../gen/atoll/global/v1/global_pb.js";
import {
  CLIENT_ATTEMPT_MS,
  CLIENT_GRACE_MS,
  CLIENT_TIMEOUT_MS,
  CLIENT_WAIT_MS,
} from "../limits.js";
import { type Random, systemRandom } from "../random.js";
import { RpcClient } from "../rpc/client.js";
import type { AtollEvent } from "./events.js";
import { mayFailOver } from "./failure.js";
import { GatewayRing } from "./gateway-ring.js";
import { linkSignals } from "./link-signals.js";
import { pause } from "./pause.js";
import { follow } from "./subscription.js";

export interface AtollClientOptions {
  /** HOST:PORT of gateways of any regions, the one to ask first at the head. */
  readonly gateways: readonly string[];
  /** What calls and subscriptions give up after that don't say it themselves. */
  readonly giveUpAfterMs?: number;
  readonly random?: Random;
  readonly clock?: Clock;
}

export interface AskOptions {
  /** Ends the call with CANCELLED, or the iteration without an error. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds without an answer after which to give up, once every gateway has been
   * asked; CLIENT_TIMEOUT_MS for calls and never for subscriptions unless given.
   */
  readonly giveUpAfterMs?: number;
}

type Unary<I extends DescMessage, O extends DescMessage> = DescMethod & {
  readonly input: I;
  readonly output: O;
  readonly methodKind: "unary";
};

/**
 * A client of the merged view over several gateways: when one fails or falls silent, the
 * next one is asked, and subscriptions go on from exactly where they were.
 */
export class AtollClient {
  readonly #clock: Clock;
  readonly #gateways: readonly string[];
  readonly #giveUpAfterMs: number | undefined;
  readonly #random: Random;
  readonly #clients = new Map<string, RpcClient>();
  readonly #closing = new AbortController();
  /** The gateway that answered last. */
  #preferred: string;

  /** Throws INVALID_ARGUMENT when there are no gateways. */
  constructor(options: AtollClientOptions) {
    const { gateways, giveUpAfterMs, random = systemRandom, clock = systemClock } = options;
    this.#preferred = new GatewayRing(gateways, random).target;
    this.#gateways = gateways;
    this.#giveUpAfterMs = giveUpAfterMs;
    this.#random = random;
    this.#clock = clock;
  }

  /** Reads one page of a summary. */
  get(
    request: MessageInitShape<typeof GetRequestSchema>,
    options?: AskOptions,
  ): Promise<GetResponse> {
    return this.#ask(GlobalService.method.get, () => request, options);
  }

  /** Ranks the regions that can serve a group. */
  resolve(
    request: MessageInitShape<typeof ResolveRequestSchema>,
    options?: AskOptions,
  ): Promise<ResolveResponse> {
    return this.#ask(GlobalService.method.resolve, () => request, options);
  }

  /** Where each region stands, as the gateway that answers sees it. */
  regions(options?: AskOptions): Promise<RegionsResponse> {
    return this.#ask(GlobalService.method.regions, () => ({}), options);
  }

  /**
   * Waits until a contract is met; `request.timeoutMs` (CLIENT_WAIT_MS unless given) is for
   * all gateways that it takes. Throws what `errorDetail` tells apart when it isn't met.
   */
  wait(
    request: MessageInitShape<typeof WaitRequestSchema>,
    options?: AskOptions,
  ): Promise<WaitResponse> {
    const waitMs = request.timeoutMs || CLIENT_WAIT_MS;
    const endMs = this.#clock.monotonicMs() + waitMs;
    const left = (): number => Math.max(1, Math.ceil(endMs - this.#clock.monotonicMs()));
    return this.#ask(
      GlobalService.method.wait,
      () => ({ ...request, timeoutMs: left() }),
      { giveUpAfterMs: this.#giveUpAfterMs ?? waitMs, ...options },
      () => left() + CLIENT_GRACE_MS,
    );
  }

  /**
   * Follows summaries for ever: snapshots, then what changes. Ends when the signal fires;
   * throws what no gateway would answer otherwise, such as a field that can't be.
   */
  async *subscribe(
    request: MessageInitShape<typeof SubscribeRequestSchema>,
    options: AskOptions = {},
  ): AsyncGenerator<AtollEvent, void, undefined> {
    const { signal, release } = linkSignals(options.signal, this.#closing.signal);
    try {
      yield* follow(request, {
        ring: this.#ring(),
        clock: this.#clock,
        clientOf: (target) => this.#client(target),
        signal,
        giveUpAfterMs: options.giveUpAfterMs ?? this.#giveUpAfterMs ?? Number.POSITIVE_INFINITY,
      });
    } finally {
      release();
    }
  }

  /** Ends what is under way and all connections. Safe to call again. */
  close(): void {
    this.#closing.abort();
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #ask<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    request: () => MessageInitShape<I>,
    options: AskOptions = {},
    attemptMs: () => number = () => CLIENT_ATTEMPT_MS,
  ): Promise<MessageShape<O>> {
    const ring = this.#ring();
    const giveUpAfterMs = options.giveUpAfterMs ?? this.#giveUpAfterMs ?? CLIENT_TIMEOUT_MS;
    const { signal, release } = linkSignals(options.signal, this.#closing.signal);
    try {
      for (;;) {
        if (signal.aborted) throw new AtollError("CANCELLED", "the call was given up");
        const { target } = ring;
        try {
          const timeoutMs = attemptMs();
          const answer = await this.#client(target).unary(method, request(), { timeoutMs, signal });
          this.#preferred = target;
          return answer;
        } catch (error) {
          if (signal.aborted || !mayFailOver(error)) throw error;
          const pauseMs = ring.failed(error, this.#clock.monotonicMs());
          const resumesAtMs = this.#clock.monotonicMs() + pauseMs;
          if (ring.isLost(resumesAtMs, giveUpAfterMs)) throw ring.exhausted();
          if (pauseMs > 0) await pause(pauseMs, signal);
        }
      }
    } finally {
      release();
    }
  }

  #ring(): GatewayRing {
    return new GatewayRing(this.#gateways, this.#random, this.#preferred);
  }

  #client(target: string): RpcClient {
    let client = this.#clients.get(target);
    if (client === undefined) {
      client = new RpcClient(target);
      this.#clients.set(target, client);
    }
    return client;
  }
}
