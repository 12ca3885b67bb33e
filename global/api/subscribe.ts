import type { Clock } from "../../shared/clock.js";
import { AtollError } from "../../shared/errors.js";
import type {
  SubscribeRequest,
  SubscribeResponse,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import {
  MAX_SUBSCRIPTIONS,
  NOTICE_PAUSE_MS,
  SUBSCRIBER_STALL_MS,
  SUBSCRIPTION_HEARTBEAT_MS,
} from "../../shared/limits.js";
import type { CallContext, Sink } from "../../shared/rpc/context.js";
import type { HashFunction } from "../digest/hash.js";
import type { ContractDesk } from "./contract-desk.js";
import type { Hub } from "./hub.js";
import { intervalOf, openSubscription } from "./subscription-request.js";
import { Wakeup } from "./wakeup.js";

export interface SubscribeOptions {
  readonly hub: Hub;
  readonly desk: ContractDesk;
  readonly hash: HashFunction;
  readonly clock: Clock;
  readonly closing: AbortSignal;
}

/** Serves one subscription until the caller goes away or `closing` fires. */
export async function subscribe(
  { hub, desk, hash, clock, closing }: SubscribeOptions,
  request: SubscribeRequest,
  sink: Sink<SubscribeResponse>,
  { signal }: CallContext,
): Promise<void> {
  if (hub.subscriptions >= MAX_SUBSCRIPTIONS) {
    throw new AtollError(
      "RESOURCE_EXHAUSTED",
      `this gateway serves ${MAX_SUBSCRIPTIONS} subscriptions already; ask another one`,
    );
  }
  const intervalMs = intervalOf(request);
  const subscription = openSubscription(hub, desk, request, hash);
  const wakeup = new Wakeup();
  const ring = (): void => wakeup.ring();
  const stop = hub.listen((change) => {
    if (subscription.concerns(change)) ring();
  });
  signal.addEventListener("abort", ring);
  closing.addEventListener("abort", ring);
  let updateAtMs = Number.NEGATIVE_INFINITY;
  let heartbeatAtMs = Number.NEGATIVE_INFINITY;
  const sendAll = async (frames: Iterable<Uint8Array>): Promise<number> => {
    let sent = 0;
    for (const frame of frames) {
      if (!(await send(sink, frame, signal))) return sent;
      sent++;
    }
    return sent;
  };
  try {
    while (!signal.aborted) {
      if (closing.aborted)
        throw new AtollError("UNAVAILABLE", "the gateway is stopping; resume at another");
      await sendAll(subscription.notices());
      if (clock.monotonicMs() >= updateAtMs) {
        const sent = await sendAll(subscription.updates(clock.monotonicMs()));
        if (sent > 0) updateAtMs = clock.monotonicMs() + intervalMs;
      }
      if (clock.monotonicMs() >= heartbeatAtMs) {
        if (!(await send(sink, subscription.heartbeat(), signal))) return;
        heartbeatAtMs = clock.monotonicMs() + SUBSCRIPTION_HEARTBEAT_MS;
      }
      const heartbeatInMs = heartbeatAtMs - clock.monotonicMs();
      const updateInMs = updateAtMs - clock.monotonicMs();
      if (updateInMs <= 0) await wakeup.sleep(heartbeatInMs);
      // Until then changes gather, but what happened to regions is told.
      else await pause(Math.min(updateInMs, heartbeatInMs, NOTICE_PAUSE_MS), [signal, closing]);
    }
  } finally {
    signal.removeEventListener("abort", ring);
    closing.removeEventListener("abort", ring);
    stop();
    subscription.close();
  }
}

/** Sends a frame and waits while the subscriber is slow; false when it has gone. */
async function send(
  sink: Sink<SubscribeResponse>,
  frame: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  if (sink.send(frame)) return true;
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<"stalled">((resolve) => {
    timer = setTimeout(() => resolve("stalled"), SUBSCRIBER_STALL_MS);
  });
  const first = await Promise.race([sink.drained(), stalled]);
  clearTimeout(timer);
  if (first === "stalled") {
    throw new AtollError(
      "RESOURCE_EXHAUSTED",
      `the subscriber took nothing for ${SUBSCRIBER_STALL_MS} ms; its resume token goes on from there`,
    );
  }
  return !signal.aborted;
}

/** Waits, or until one of the signals fires. */
function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const signal of signals) {
      if (signal.aborted) done();
      else signal.addEventListener("abort", done);
    }
  });
}
