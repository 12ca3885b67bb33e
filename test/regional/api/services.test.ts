import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ETCD_API_VERSION } from "../../../regional/api/version.js";
import { utf8 } from "../../../shared/bytes.js";
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  Auth,
  Cluster,
  KV,
  Lease,
  Maintenance,
  RequestOpSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../shared/gen/grpc/health/v1/health_pb.js";
import type { RpcClient } from "../../../shared/rpc/client.js";
import type { FakeNode } from "./fake-node.js";
import { ServedNode } from "./served-node.js";

/** All services of a member, over the wire. */
let served: ServedNode;
let node: FakeNode;
let client: RpcClient;
beforeEach(async () => {
  served = await ServedNode.start();
  ({ node, client } = served);
});
afterEach(() => served.stop());

test("status says what the member is", async () => {
  await client.unary(KV.method.put, { key: utf8("k") });
  const status = await client.unary(Maintenance.method.status, {});
  expect(status).toMatchObject({
    header: { revision: 2n, memberId: 7n },
    version: ETCD_API_VERSION,
    leader: 7n,
    raftIndex: 2n,
    raftAppliedIndex: 1n,
    raftTerm: 3n,
    dbSize: 4096n,
    dbSizeInUse: 1024n,
    errors: [],
  });
  node.hasLeader = false;
  expect(await client.unary(Maintenance.method.status, {})).toMatchObject({
    leader: 0n,
    errors: ["etcdserver: no leader"],
  });
});

test("members are listed, linearizably where asked for", async () => {
  const list = await client.unary(Cluster.method.memberList, {});
  expect(node.reads).toBe(0);
  expect(list).toMatchObject({
    header: { revision: 0n },
    members: [{ ID: 7n, name: "fake", clientURLs: ["http://127.0.0.1:2"] }],
  });
  await client.unary(Cluster.method.memberList, { linearizable: true });
  expect(node.reads).toBe(1);
});

test("the shortest lease is half as long again as an election", async () => {
  const granted = await client.unary(Lease.method.leaseGrant, { TTL: 1n });
  expect(granted.TTL).toBe(2n);
  expect(granted.ID).toBeGreaterThan(0n);
});

test.each([["Auth.AuthEnable", () => client.unary(Auth.method.authEnable, {})]])(
  "%s is not there yet",
  async (name, run) => {
    await expect(run()).rejects.toMatchObject({
      code: "UNIMPLEMENTED",
      message: expect.stringContaining(name),
    });
  },
);

test("health: what is known, and when a member serves", async () => {
  const check = async (service: string): Promise<Status> =>
    (await client.unary(Health.method.check, { service })).status;
  expect(await check("")).toBe(Status.SERVING);
  expect(await check("etcdserverpb.KV")).toBe(Status.SERVING);
  await expect(check("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
  node.hasLeader = false;
  expect(await check("")).toBe(Status.NOT_SERVING);
  const { statuses } = await client.unary(Health.method.list, {});
  expect(Object.keys(statuses)).toContain("etcdserverpb.Watch");
});

test("health's watch tells changes, and ends with the member", async () => {
  const told: Status[] = [];
  for await (const { status } of client.serverStream(Health.method.watch, {})) {
    told.push(status);
    if (told.length === 1) node.hasLeader = false;
    else node.stop();
  }
  expect(told).toEqual([Status.SERVING, Status.NOT_SERVING]);
});

test("health's watch of an unknown service stays open", async () => {
  const stream = client.serverStream(Health.method.watch, { service: "nobody" });
  const iterator = stream[Symbol.asyncIterator]();
  expect(await iterator.next()).toMatchObject({ value: { status: Status.SERVICE_UNKNOWN } });
  stream.cancel();
});

test("alarms are listed by type and member, and in the status; they end by themselves", async () => {
  const ask = async (request: { alarm?: AlarmType; memberID?: bigint; action?: number }) =>
    (await client.unary(Maintenance.method.alarm, request)).alarms.map(
      ({ memberID, alarm }) => `${memberID} ${AlarmType[alarm]}`,
    );
  expect(await ask({})).toEqual([]);
  node.alarm = [
    { member: 7, alarm: "noSpace" },
    { member: 9, alarm: "corrupt" },
  ];
  expect(await ask({})).toEqual(["7 NOSPACE", "9 CORRUPT"]);
  expect(await ask({ alarm: AlarmType.CORRUPT })).toEqual(["9 CORRUPT"]);
  expect(await ask({ memberID: 7n })).toEqual(["7 NOSPACE"]);
  expect(await ask({ action: AlarmRequest_AlarmAction.DEACTIVATE })).toEqual([]);
  await expect(ask({ action: AlarmRequest_AlarmAction.ACTIVATE })).rejects.toThrow(
    "action must be GET or DEACTIVATE",
  );
  expect((await client.unary(Maintenance.method.status, {})).errors).toEqual([
    "memberID:7 alarm:NOSPACE ",
    "memberID:9 alarm:CORRUPT ",
  ]);
});

test("without room, what makes the data grow is refused; reads and deletions go on", async () => {
  await client.unary(KV.method.put, { key: utf8("k"), value: utf8("v") });
  node.lacksRoom = true;
  const refused = /database space exceeded/;
  const put = create(RequestOpSchema, {
    request: { case: "requestPut", value: { key: utf8("k") } },
  });
  const inner = create(RequestOpSchema, {
    request: { case: "requestTxn", value: { failure: [put] } },
  });
  await expect(client.unary(KV.method.put, { key: utf8("k") })).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    message: "etcdserver: mvcc: database space exceeded",
  });
  await expect(client.unary(KV.method.txn, { success: [put] })).rejects.toThrow(refused);
  await expect(client.unary(KV.method.txn, { success: [inner] })).rejects.toThrow(refused);
  await expect(client.unary(Lease.method.leaseGrant, { TTL: 60n })).rejects.toThrow(refused);
  expect((await client.unary(KV.method.range, { key: utf8("k") })).count).toBe(1n);
  await client.unary(KV.method.txn, {
    success: [{ request: { case: "requestDeleteRange", value: { key: utf8("k") } } }],
  });
  await client.unary(KV.method.deleteRange, { key: utf8("k") });
  await client.unary(KV.method.compact, { revision: 2n });
  node.lacksRoom = false;
  await client.unary(KV.method.put, { key: utf8("k") });
});
