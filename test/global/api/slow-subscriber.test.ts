import { create, fromBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Feed } from "../../../global/api/feed.js";
import { GlobalApi } from "../../../global/api/global-api.js";
import { Wakeup } from "../../../global/api/wakeup.js";
import { GroupFilter } from "../../../global/view/group-filter.js";
import {
  NoticeKind,
  SubscribeRequestSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MAX_LOGGED_NOTICES, SUBSCRIBER_STALL_MS } from "../../../shared/limits.js";
import type { CallContext, Sink } from "../../../shared/rpc/context.js";
import { groupKey, History } from "../digest/model.js";
import { FakeGateway } from "./fake-gateway.js";

/** A subscriber's end of the line that takes one message, then nothing until it is told to. */
class SlowSink implements Sink<SubscribeResponse> {
  readonly taken: SubscribeResponse["event"][] = [];
  readonly #wakeup = new Wakeup();
  #open = false;

  send(message: SubscribeResponse | Uint8Array): boolean {
    const decoded =
      message instanceof Uint8Array ? fromBinary(SubscribeResponseSchema, message) : message;
    this.taken.push(decoded.event);
    return this.#open;
  }

  async drained(): Promise<void> {
    if (!this.#open) await this.#wakeup.sleep(2 * SUBSCRIBER_STALL_MS);
  }

  open(): void {
    this.#open = true;
    this.#wakeup.ring();
  }

  updates(): number {
    return this.taken.filter((event) => event.case === "update").length;
  }
}

let gateway: FakeGateway;
let api: GlobalApi;
let sink: SlowSink;
let history: History;
let abort: AbortController;

beforeEach(() => {
  gateway = new FakeGateway();
  api = new GlobalApi(gateway, { refused: () => {}, waited: () => {} });
  sink = new SlowSink();
  abort = new AbortController();
  history = new History("us-east");
  history.step({ a: 0 });
  gateway.hear(history.whole(3));
});

afterEach(() => {
  vi.useRealTimers();
  abort.abort();
  api.close();
});

function subscribe(): Promise<void> {
  const context: CallContext = {
    peer: "test",
    bytes: new Uint8Array(0),
    signal: abort.signal,
    deadlineMs: Number.POSITIVE_INFINITY,
    header: () => undefined,
  };
  const request = create(SubscribeRequestSchema, { summaries: ["machines"] });
  return api.handlers.subscribe?.(request, sink, context) ?? Promise.reject(new Error("none"));
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe("a slow subscriber", () => {
  test("gets the latest state when it is back, not a queue", async () => {
    const served = subscribe();
    await settle();
    expect(sink.updates()).toBe(1);
    for (let n = 1; n <= 500; n++) {
      history.step({ a: n % 10, [`g${n % 7}`]: n });
      gateway.hear(history.delta(history.last - 1, history.last));
    }
    await settle();
    expect(sink.taken).toHaveLength(1);
    sink.open();
    await vi.waitFor(() => expect(sink.updates()).toBe(2));
    const last = sink.taken.findLast((event) => event.case === "update");
    expect(last?.value?.groups.map(({ key }) => key).sort()).toEqual(
      ["a", "g0", "g1", "g2", "g3", "g4", "g5", "g6"].slice(1).map(groupKey),
    );
    abort.abort();
    await served;
  });

  test("that takes nothing at all is ended, and told to resume", async () => {
    vi.useFakeTimers();
    const served = subscribe();
    const ended = expect(served).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    await vi.advanceTimersByTimeAsync(SUBSCRIBER_STALL_MS);
    await ended;
    expect(api.subscriptions).toBe(0);
  });

  test("that missed more notices than are kept is told to begin anew", async () => {
    const served = subscribe();
    await settle();
    for (let n = 0; n <= MAX_LOGGED_NOTICES / 2; n++) {
      for (let fault = 0; fault < 3; fault++) gateway.state.noteFault(history.id, "garbage");
      gateway.moved("us-east", "machines");
      history.step({ a: n });
      gateway.hear(history.whole(history.last));
    }
    sink.open();
    await vi.waitFor(() => expect(sink.updates()).toBe(2));
    const notices = sink.taken.flatMap((event) => (event.case === "notice" ? [event.value] : []));
    expect(notices.map(({ kind }) => kind)).toEqual([NoticeKind.RESET]);
    const last = sink.taken.findLast((event) => event.case === "update");
    expect(last?.value?.reset).toBe(true);
    abort.abort();
    await served;
  });
});

test("subscribers with one question share what is encoded", () => {
  const feed = new Feed(gateway, "machines", undefined, sha256);
  const all = new GroupFilter([], "");
  const first = feed.current();
  expect(feed.current()).toBe(first);
  const snapshot = feed.bodies(undefined, first, all, "all", false);
  expect(feed.bodies(undefined, first, all, "all", false)).toBe(snapshot);
  history.step({ a: 5 });
  gateway.hear(history.delta(3, 4));
  feed.touch();
  const second = feed.current();
  const news = feed.bodies(first, second, all, "all", false);
  expect(news).toHaveLength(1);
  expect(feed.bodies(first, second, all, "all", false)).toBe(news);
  const none = new GroupFilter([groupKey("b")], "");
  expect(feed.bodies(first, second, none, "b", false)).toEqual([]);
});
