import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../clock.js";
import { AtollError, errorText } from "../errors.js";
import {
  GlobalService,
  type SubscribeRequestSchema,
  type SubscribeResponse,
} from "../gen/atoll/global/v1/global_pb.js";
import { CLIENT_SILENCE_MS } from "../limits.js";
import type { RpcClient } from "../rpc/client.js";
import { type AtollEvent, noticeEvent } from "./events.js";
import { mayFailOver } from "./failure.js";
import type { GatewayRing } from "./gateway-ring.js";
import { pause } from "./pause.js";
import { ToldGroups } from "./told-groups.js";
import { UpdateGatherer } from "./update-gatherer.js";

type Request = MessageInitShape<typeof SubscribeRequestSchema>;

export interface FollowInput {
  readonly ring: GatewayRing;
  readonly clock: Clock;
  readonly clientOf: (target: string) => RpcClient;
  readonly signal: AbortSignal;
  readonly giveUpAfterMs: number;
}

/** What a subscription knows from one gateway to the next. */
class Place {
  readonly #gatherer = new UpdateGatherer();
  readonly #told = new ToldGroups();
  token: Uint8Array;

  constructor(token: Uint8Array) {
    this.token = token;
  }

  /**
   * The event of a message, if it completes one. The token moves only with what the
   * consumer gets, so that it stands exactly where the consumer does.
   */
  take({ event }: SubscribeResponse): AtollEvent | undefined {
    switch (event.case) {
      case "update": {
        const taken = this.#gatherer.take(event.value);
        if (taken === undefined) return undefined;
        this.#move(event.value.resumeToken);
        return this.#told.take(taken);
      }
      case "heartbeat": {
        const { regions, complete, resumeToken } = event.value;
        this.#move(resumeToken);
        return { type: "freshness", regions, complete };
      }
      case "notice":
        return noticeEvent(event.value);
      default:
        return undefined;
    }
  }

  /** The stream is lost. */
  lost(): void {
    this.#gatherer.drop();
    this.#told.resumed();
  }

  #move(token: Uint8Array): void {
    // A copy: what comes off the wire is a view of a whole frame.
    if (token.length > 0) this.token = token.slice();
  }
}

/** Follows summaries over several gateways, one after the other. */
export async function* follow(
  request: Request,
  { ring, clock, clientOf, signal, giveUpAfterMs }: FollowInput,
): AsyncGenerator<AtollEvent, void, undefined> {
  const place = new Place(request.resumeToken ?? new Uint8Array(0));
  while (!signal.aborted) {
    const from = ring.target;
    const beganMs = clock.monotonicMs();
    const asked = { ...request, resumeToken: place.token, tokenInUpdates: true };
    const { method } = GlobalService;
    const stream = clientOf(from).serverStream(method.subscribe, asked, { signal });
    let failure: unknown;
    let hadAnswered = false;
    try {
      for await (const message of hearing(stream)) {
        hadAnswered = true;
        ring.served(clock.monotonicMs() - beganMs);
        const event = place.take(message);
        if (event !== undefined) yield event;
      }
      failure = new AtollError("UNAVAILABLE", `${from} ended the stream`);
    } catch (error) {
      failure = error;
    } finally {
      stream.cancel();
    }
    if (signal.aborted) return;
    if (!mayFailOver(failure)) throw failure;
    place.lost();
    const pauseMs = ring.failed(failure, clock.monotonicMs(), hadAnswered);
    if (ring.isLost(clock.monotonicMs() + pauseMs, giveUpAfterMs)) throw ring.exhausted();
    const error = failure instanceof Error ? failure : new Error(errorText(failure));
    yield { type: "failover", from, to: ring.target, error };
    if (pauseMs > 0) await pause(pauseMs, signal);
  }
}

/** What can be followed, and ended. */
interface Hearable extends AsyncIterable<SubscribeResponse> {
  cancel(): void;
}

/** A stream's messages. Throws UNAVAILABLE when none comes for CLIENT_SILENCE_MS. */
async function* hearing(stream: Hearable): AsyncGenerator<SubscribeResponse> {
  const iterator = stream[Symbol.asyncIterator]();
  for (;;) {
    // Counted only while this waits: a consumer may take its time.
    const { value, done } = await nextOf(iterator, stream);
    if (done === true) return;
    yield value;
  }
}

async function nextOf(
  iterator: AsyncIterator<SubscribeResponse>,
  stream: Hearable,
): Promise<IteratorResult<SubscribeResponse>> {
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    stream.cancel();
  }, CLIENT_SILENCE_MS);
  try {
    return await iterator.next();
  } catch (error) {
    if (!isSilent) throw error;
    throw new AtollError("UNAVAILABLE", `nothing was heard for ${CLIENT_SILENCE_MS} ms`);
  } finally {
    clearTimeout(timer);
  }
}
