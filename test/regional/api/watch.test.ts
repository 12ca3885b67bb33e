import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LeaderWatchdog } from "../../../regional/api/leader-watchdog.js";
import { watchHandlers } from "../../../regional/api/watch.js";
import { CommandKind } from "../../../regional/store/command.js";
import { must } from "../../../shared/assert.js";
import { fromUtf8, utf8 } from "../../../shared/bytes.js";
import {
  PutRequestSchema,
  type WatchCreateRequestSchema,
  type WatchRequest,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_WATCHERS_PER_STREAM } from "../../../shared/limits.js";
import { FakeContext, FakeNode, FakeRequests, FakeSink } from "./fake-node.js";

/** One open Watch call on a fake node. */
class Call {
  readonly requests = new FakeRequests<WatchRequest>();
  readonly sink = new FakeSink<never>();
  readonly context: FakeContext;
  readonly over: Promise<void>;

  constructor(node: FakeNode, watchdog: LeaderWatchdog, headers: Record<string, string> = {}) {
    this.context = new FakeContext(undefined, headers);
    const handler = must(watchHandlers(node, watchdog).watch, "watch");
    this.over = handler(this.requests, this.sink, this.context);
    this.over.catch(() => {});
  }

  create(value: MessageInitShape<typeof WatchCreateRequestSchema>): void {
    this.requests.push(
      create(WatchRequestSchema, { requestUnion: { case: "createRequest", value } }),
    );
  }

  cancel(watchId: bigint): void {
    const value = { watchId };
    this.requests.push(
      create(WatchRequestSchema, { requestUnion: { case: "cancelRequest", value } }),
    );
  }

  async responses(count: number): Promise<WatchResponse[]> {
    await this.sink.count(count);
    return this.sink.sent.map((one) => fromBinary(WatchResponseSchema, new Uint8Array(one)));
  }
}

let node: FakeNode;
let watchdog: LeaderWatchdog;
beforeEach(() => {
  node = new FakeNode();
  watchdog = new LeaderWatchdog(node, 1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

async function put(key: string, value = "v"): Promise<void> {
  const request = create(PutRequestSchema, { key: utf8(key), value: utf8(value) });
  await node.propose(CommandKind.put, toBinary(PutRequestSchema, request));
}

const text = ({ events }: WatchResponse): string[] =>
  events.map(({ kv }) => `${fromUtf8(must(kv, "kv").key)}=${fromUtf8(must(kv, "kv").value)}`);

test("creation, then events, with this member's header", async () => {
  const call = new Call(node, watchdog);
  call.create({ key: utf8("a") });
  await call.responses(1);
  await put("a", "1");
  const [created, event] = await call.responses(2);
  expect(created).toMatchObject({ created: true, watchId: 0n, header: { revision: 1n } });
  expect(event?.header).toMatchObject({ clusterId: node.clusterId, revision: 2n, raftTerm: 3n });
  expect(text(must(event, "event"))).toEqual(["a=1"]);
  call.context.hangUp();
  await call.over;
  expect(node.watches.streamCount).toBe(0);
});

test("a negative revision is one that was compacted", async () => {
  const call = new Call(node, watchdog);
  call.create({ key: utf8("a"), startRevision: -1n });
  const [answer] = await call.responses(1);
  expect(answer).toMatchObject({
    created: true,
    canceled: true,
    watchId: -1n,
    cancelReason: "etcdserver: mvcc: required revision has been compacted",
  });
});

test("a revision beyond all numbers is waited for", async () => {
  const call = new Call(node, watchdog);
  call.create({ key: utf8("a"), startRevision: 2n ** 63n - 1n });
  await call.responses(1);
  await put("a");
  call.create({ key: utf8("a"), startRevision: 2n });
  const all = await call.responses(3);
  expect(all.map(({ watchId, events }) => [watchId, events.length])).toEqual([
    [0n, 0],
    [1n, 0],
    [1n, 1],
  ]);
});

test("events go on after the client has closed its side", async () => {
  const call = new Call(node, watchdog);
  call.create({ key: utf8("a") });
  await call.responses(1);
  call.requests.close();
  await put("a", "1");
  await call.responses(2);
  call.context.hangUp();
  await call.over;
});

describe("a slow client", () => {
  test("is sent nothing more until it has drained, then all that it missed", async () => {
    const call = new Call(node, watchdog);
    call.create({ key: utf8("a") });
    await call.responses(1);
    call.sink.isSlow = true;
    await put("a", "1");
    await put("a", "2");
    await put("a", "3");
    expect(call.sink.sent).toHaveLength(2);
    call.sink.drain();
    const all = await call.responses(3);
    expect(all.flatMap(text)).toEqual(["a=1", "a=2", "a=3"]);
  });

  test("is not even listened to", async () => {
    const call = new Call(node, watchdog);
    call.sink.isSlow = true;
    call.create({ key: utf8("a") });
    call.create({ key: utf8("b") });
    await call.responses(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(call.sink.sent).toHaveLength(1);
    call.sink.drain();
    await call.responses(2);
  });
});

test("one stream holds so many watchers and no more", async () => {
  const call = new Call(node, watchdog);
  for (let i = 0; i <= MAX_WATCHERS_PER_STREAM; i++) call.create({ key: utf8("a") });
  const all = await call.responses(MAX_WATCHERS_PER_STREAM + 1);
  expect(all.at(-1)).toMatchObject({
    created: true,
    canceled: true,
    watchId: -1n,
    cancelReason: "etcdserver: too many requests",
  });
  call.cancel(0n);
  call.create({ key: utf8("a") });
  const more = await call.responses(MAX_WATCHERS_PER_STREAM + 3);
  expect(more.at(-1)).toMatchObject({ created: true, canceled: false });
});

describe("what ends a stream", () => {
  test("the member's stop", async () => {
    const call = new Call(node, watchdog);
    node.stop();
    await expect(call.over).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "etcdserver: server stopped",
    });
  });

  test("the leader's absence, for a client that wants one", async () => {
    vi.useFakeTimers();
    const strict = new Call(node, watchdog, { hasleader: "true" });
    const easy = new Call(node, watchdog);
    let isOver = false;
    void easy.over.finally(() => {
      isOver = true;
    });
    const ended = expect(strict.over).rejects.toThrow("etcdserver: no leader");
    node.hasLeader = false;
    await vi.advanceTimersByTimeAsync(2_500);
    node.hasLeader = true;
    await vi.advanceTimersByTimeAsync(5_000);
    node.hasLeader = false;
    await vi.advanceTimersByTimeAsync(3_500);
    await ended;
    expect(isOver).toBe(false);
  });

  test("its absence from the start", async () => {
    node.hasLeader = false;
    const call = new Call(node, watchdog, { hasleader: "true" });
    await expect(call.over).rejects.toThrow("etcdserver: no leader");
  });
});
