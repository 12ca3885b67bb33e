import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { LeaderWatchdog } from "../../../regional/api/leader-watchdog.js";
import { leaseHandlers } from "../../../regional/api/lease.js";
import { must } from "../../../shared/assert.js";
import { AtollError } from "../../../shared/errors.js";
import {
  LeaseGrantRequestSchema,
  type LeaseGrantResponse,
  type LeaseKeepAliveRequest,
  LeaseKeepAliveRequestSchema,
  type LeaseKeepAliveResponse,
  LeaseRevokeRequestSchema,
  LeaseTimeToLiveRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_KEEP_ALIVES_PER_STREAM } from "../../../shared/limits.js";
import { FakeContext, FakeNode, FakeRequests, FakeSink } from "./fake-node.js";

let node: FakeNode;
let lease: ReturnType<typeof leaseHandlers>;
beforeEach(() => {
  node = new FakeNode();
  lease = leaseHandlers(node, new LeaderWatchdog(node, 1_000), {
    minTtlSeconds: 2,
    newLeaseId: () => 4242n,
  });
});

async function grant(ID: bigint, TTL: bigint): Promise<LeaseGrantResponse> {
  const request = create(LeaseGrantRequestSchema, { ID, TTL });
  return (await lease.leaseGrant?.(request, new FakeContext())) as LeaseGrantResponse;
}

describe("grant", () => {
  test("chooses an id where none is given, and raises short times", async () => {
    expect(await grant(0n, 60n)).toMatchObject({ ID: 4242n, TTL: 60n });
    expect(await grant(5n, 1n)).toMatchObject({ ID: 5n, TTL: 2n });
    expect(await grant(-6n, -1n)).toMatchObject({ ID: -6n, TTL: 2n });
  });

  test("refuses what is there and what is too long", async () => {
    await grant(5n, 60n);
    await expect(grant(5n, 60n)).rejects.toThrow("etcdserver: lease already exists");
    await expect(grant(6n, 9_000_000_001n)).rejects.toThrow("etcdserver: too large lease TTL");
    expect(node.proposed).toHaveLength(2);
  });
});

test("revoke, leases and time to live", async () => {
  await grant(5n, 60n);
  await grant(6n, 60n);
  node.ttls.set(6n, { ttl: 59, grantedTtl: 60 });
  const revoke = create(LeaseRevokeRequestSchema, { ID: 5n });
  const context = new FakeContext(toBinary(LeaseRevokeRequestSchema, revoke));
  await lease.leaseRevoke?.(revoke, context);
  await expect(lease.leaseRevoke?.(revoke, context)).rejects.toThrow("lease not found");
  expect(
    await lease.leaseLeases?.(create(LeaseRevokeRequestSchema) as never, context),
  ).toMatchObject({
    leases: [{ ID: 6n }],
  });
  const ask = (ID: bigint) =>
    lease.leaseTimeToLive?.(create(LeaseTimeToLiveRequestSchema, { ID, keys: true }), context);
  expect(await ask(6n)).toMatchObject({ ID: 6n, TTL: 59n, grantedTTL: 60n, keys: [] });
  expect(await ask(5n)).toMatchObject({ ID: 5n, TTL: -1n, grantedTTL: 0n });
});

describe("keep alive", () => {
  function open(): {
    requests: FakeRequests<LeaseKeepAliveRequest>;
    sink: FakeSink<LeaseKeepAliveResponse>;
    context: FakeContext;
    over: Promise<void>;
  } {
    const opened = {
      requests: new FakeRequests<LeaseKeepAliveRequest>(),
      sink: new FakeSink<LeaseKeepAliveResponse>(),
      context: new FakeContext(),
    };
    const handler = must(lease.leaseKeepAlive, "keep alive");
    const over = handler(opened.requests, opened.sink, opened.context);
    over.catch(() => {});
    return { ...opened, over };
  }

  const ask = (ID: bigint): LeaseKeepAliveRequest => create(LeaseKeepAliveRequestSchema, { ID });
  const told = (sink: FakeSink<LeaseKeepAliveResponse>): [bigint, bigint][] =>
    (sink.sent as LeaseKeepAliveResponse[]).map(({ ID, TTL }) => [ID, TTL]);

  test("an unknown lease has no time, which is no error", async () => {
    node.ttls.set(1n, { ttl: 9, grantedTtl: 10 });
    const call = open();
    call.requests.push(ask(1n), ask(2n));
    call.requests.close();
    await call.over;
    expect(told(call.sink)).toEqual([
      [1n, 10n],
      [2n, 0n],
    ]);
  });

  test("renewals run together and are answered in order", async () => {
    const waiting: (() => void)[] = [];
    node.keepAlive = (id) =>
      new Promise((resolve) => {
        waiting.push(() => resolve(Number(id)));
      });
    const call = open();
    call.requests.push(ask(1n), ask(2n), ask(3n));
    call.requests.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(waiting).toHaveLength(3);
    for (const finish of waiting.reverse()) finish();
    await call.over;
    expect(told(call.sink).map(([id]) => id)).toEqual([1n, 2n, 3n]);
  });

  test("so many at once and no more", async () => {
    let underWay = 0;
    let most = 0;
    node.keepAlive = async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return 1;
    };
    const call = open();
    const count = 3 * MAX_KEEP_ALIVES_PER_STREAM;
    for (let i = 0; i < count; i++) call.requests.push(ask(BigInt(i)));
    call.requests.close();
    await call.over;
    expect(call.sink.sent).toHaveLength(count);
    expect(most).toBeLessThanOrEqual(MAX_KEEP_ALIVES_PER_STREAM);
    expect(most).toBeGreaterThan(1);
  });

  test("a failure ends the stream although the client says nothing more", async () => {
    node.keepAlive = async (id) => {
      if (id === 2n) throw new AtollError("UNAVAILABLE", "etcdserver: no leader");
      return 5;
    };
    const call = open();
    call.requests.push(ask(1n), ask(2n), ask(3n));
    await expect(call.over).rejects.toThrow("etcdserver: no leader");
    expect(told(call.sink)).toEqual([[1n, 5n]]);
  });

  test("the member's stop ends it", async () => {
    const call = open();
    node.stop();
    await expect(call.over).rejects.toThrow("etcdserver: server stopped");
  });
});
