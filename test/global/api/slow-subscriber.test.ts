import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Feed } from "../../../global/api/feed.js";
import { GlobalApi } from "../../../global/api/global-api.js";
import { GroupFilter } from "../../../global/view/group-filter.js";
import { NoticeKind } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MAX_LOGGED_NOTICES, SUBSCRIBER_STALL_MS } from "../../../shared/limits.js";
import { groupKey, History } from "../digest/model.js";
import { FakeGateway } from "./fake-gateway.js";
import { Line } from "./line.js";

const REQUEST = { summaries: ["machines"] };

let gateway: FakeGateway;
let api: GlobalApi;
let line: Line;
let history: History;

beforeEach(() => {
  gateway = new FakeGateway();
  api = new GlobalApi(gateway, { refused: () => {}, waited: () => {} });
  line = new Line(false);
  history = new History("us-east");
  history.step({ a: 0 });
  gateway.hear(history.whole(3));
});

afterEach(() => {
  line.hangUp();
  api.close();
  // After it: real timers can't be cleared in place of faked ones.
  vi.useRealTimers();
});

describe("a slow subscriber", () => {
  test("gets the latest state when it is back, not a queue", async () => {
    line.subscribe(api, REQUEST);
    await vi.waitFor(() => expect(line.updates).toBe(1));
    for (let n = 1; n <= 500; n++) {
      history.step({ a: n % 10, [`g${n % 7}`]: n });
      gateway.hear(history.delta(history.last - 1, history.last));
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(line.frames).toHaveLength(1);
    expect(api.slowSubscriptions).toBe(1);
    line.open();
    await vi.waitFor(() => expect(line.updates).toBe(2));
    expect(api.slowSubscriptions).toBe(0);
    const last = line.events.findLast((event) => event.case === "update");
    expect(last?.value?.groups.map(({ key }) => key).sort()).toEqual(
      ["a", "g0", "g1", "g2", "g3", "g4", "g5", "g6"].slice(1).map(groupKey),
    );
    line.hangUp();
    await line.served;
  });

  test("that takes nothing at all is ended, and told to resume", async () => {
    vi.useFakeTimers();
    const ended = expect(line.subscribe(api, REQUEST).served).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
    });
    await vi.advanceTimersByTimeAsync(SUBSCRIBER_STALL_MS);
    await ended;
    expect(api.subscriptions).toBe(0);
    expect(api.subscriptionBooks.stalled).toBe(1);
  });

  test("that missed more notices than are kept is told to begin anew", async () => {
    line.subscribe(api, REQUEST);
    await vi.waitFor(() => expect(line.updates).toBe(1));
    for (let n = 0; n <= MAX_LOGGED_NOTICES / 2; n++) {
      for (let fault = 0; fault < 3; fault++) gateway.state.noteFault(history.id, "garbage");
      gateway.moved("us-east", "machines");
      history.step({ a: n });
      gateway.hear(history.whole(history.last));
    }
    line.open();
    await vi.waitFor(() => expect(line.updates).toBe(2));
    const notices = line.events.flatMap((event) => (event.case === "notice" ? [event.value] : []));
    expect(notices.map(({ kind }) => kind)).toEqual([NoticeKind.RESET]);
    const last = line.events.findLast((event) => event.case === "update");
    expect(last?.value?.reset).toBe(true);
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
