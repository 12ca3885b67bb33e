import { create } from "@bufbuild/protobuf";
import { utf8 } from "../../shared/bytes.js";
import type { Clock } from "../../shared/clock.js";
import { AtollError } from "../../shared/errors.js";
import {
  NoticeKind,
  NoticeSchema,
  type SubscribeRequest,
  type SubscribeResponse,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import {
  MAX_RESUME_TOKEN_BYTES,
  MAX_SUBSCRIPTIONS,
  MAX_UPDATE_INTERVAL_MS,
  MIN_UPDATE_INTERVAL_MS,
  SUBSCRIBER_STALL_MS,
  SUBSCRIPTION_HEARTBEAT_MS,
} from "../../shared/limits.js";
import type { CallContext, Sink } from "../../shared/rpc/context.js";
import { type HashFunction, toHex } from "../digest/hash.js";
import type { Hub } from "./hub.js";
import { bounded, checkSummary, groupFilter, invalid, regionsOf } from "./request-checks.js";
import { decodeToken } from "./resume-token.js";
import { Subscription, type Wanted } from "./subscription.js";
import { Wakeup } from "./wakeup.js";

/** Hexadecimal digits of a filter's fingerprint. */
const FINGERPRINT_DIGITS = 16;

/** Checks a request. Throws AtollError naming the field that is wrong. */
function readSubscription(hub: Hub, request: SubscribeRequest, hash: HashFunction): Subscription {
  const { source } = hub;
  const resuming = request.resumeToken.length > 0;
  bounded(request.summaries, "summaries");
  request.summaries.forEach((summary, index) => {
    if (!resuming) checkSummary(source, summary, `summaries[${index}]`);
  });
  if (request.minIntervalMs > MAX_UPDATE_INTERVAL_MS) {
    invalid(
      "min_interval_ms",
      `is ${request.minIntervalMs}; at most ${MAX_UPDATE_INTERVAL_MS} is allowed`,
    );
  }
  if (request.resumeToken.length > MAX_RESUME_TOKEN_BYTES) {
    invalid("resume_token", `is longer than ${MAX_RESUME_TOKEN_BYTES} bytes`);
  }
  const summaries = [...new Set(request.summaries)].sort();
  const regions = request.regions.length === 0 ? [] : regionsOf(source, request.regions);
  const { keys = [], prefix = "" } = request.groups ?? {};
  const question = JSON.stringify([summaries, regions, [...keys].sort(), prefix, request.byRegion]);
  const wanted: Wanted = {
    summaries: summaries.length === 0 ? undefined : summaries,
    regions: regions.length === 0 ? undefined : regions,
    groups: groupFilter(request.groups),
    byRegion: request.byRegion,
    fingerprint: toHex(hash(utf8(question))).slice(0, FINGERPRINT_DIGITS),
  };
  const places = resuming ? decodeToken(request.resumeToken, wanted.fingerprint) : new Map();
  if (places !== undefined) return new Subscription(hub, wanted, places, undefined);
  const message = "the resume token is not one of this release, or not one of these filters";
  const remark = create(NoticeSchema, { kind: NoticeKind.RESET, message });
  return new Subscription(hub, wanted, new Map(), remark);
}

/** Serves one subscription until the caller goes away or `closing` fires. */
export async function subscribe(
  hub: Hub,
  request: SubscribeRequest,
  sink: Sink<SubscribeResponse>,
  context: CallContext,
  options: { readonly hash: HashFunction; readonly clock: Clock; readonly closing: AbortSignal },
): Promise<void> {
  const { clock, closing } = options;
  const { signal } = context;
  if (hub.subscriptions >= MAX_SUBSCRIPTIONS) {
    throw new AtollError(
      "RESOURCE_EXHAUSTED",
      `this gateway serves ${MAX_SUBSCRIPTIONS} subscriptions already; ask another one`,
    );
  }
  const subscription = readSubscription(hub, request, options.hash);
  const intervalMs = Math.max(request.minIntervalMs, MIN_UPDATE_INTERVAL_MS);
  const wakeup = new Wakeup();
  const ring = (): void => wakeup.ring();
  const stop = hub.listen((change) => {
    if (subscription.concerns(change)) ring();
  });
  signal.addEventListener("abort", ring);
  closing.addEventListener("abort", ring);
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let heartbeatAtMs = Number.NEGATIVE_INFINITY;
  try {
    while (!signal.aborted) {
      if (closing.aborted)
        throw new AtollError("UNAVAILABLE", "the gateway is stopping; resume at another");
      for (const frame of subscription.pump(clock.monotonicMs())) {
        if (!(await send(sink, frame, signal))) return;
        sentAtMs = clock.monotonicMs();
      }
      if (clock.monotonicMs() >= heartbeatAtMs) {
        if (!(await send(sink, subscription.heartbeat(), signal))) return;
        heartbeatAtMs = clock.monotonicMs() + SUBSCRIPTION_HEARTBEAT_MS;
      }
      await wakeup.sleep(heartbeatAtMs - clock.monotonicMs());
      const restMs = sentAtMs + intervalMs - clock.monotonicMs();
      if (restMs > 0) await pause(restMs, [signal, closing]);
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
