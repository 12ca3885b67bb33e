import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lease } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { etcdctl, startEtcdctl } from "./etcdctl.js";
import { both, type Pair, type Subject, startPair } from "./subject.js";

/** etcdctl's commands on leases; ids are chosen here, so that both clusters have the same. */
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.stop());

let turn = 0;

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const member = turn++ % 3;
  return both(pair, (subject) => etcdctl(subject, member, args));
}

async function grant(subject: Subject, id: bigint, ttl: bigint): Promise<void> {
  const client = new RpcClient(subject.endpoints[0] as string);
  await client.unary(Lease.method.leaseGrant, { ID: id, TTL: ttl });
  client.close();
}

async function grantBoth(id: bigint, ttl: bigint): Promise<void> {
  await both(pair, (subject) => grant(subject, id, ttl));
}

test("grant gives an id of its own", async () => {
  const granted = await run("lease", "grant", "300");
  expect(granted).toMatchObject({ code: 0, stdout: "lease HEX granted with TTL(300s)\n" });
  await run("lease", "grant", "1");
  await run("lease", "grant", "0");
  expect(await run("lease", "grant", "9000000001")).toMatchObject({ code: 1 });
  expect(await run("lease", "list")).toMatchObject({ stdout: expect.stringMatching(/^found 3/) });
});

describe("a lease with keys", () => {
  beforeAll(() => grantBoth(0x7001n, 400n));

  test("holds them and gives them up", async () => {
    await run("put", "a", "1", "--lease=7001");
    expect(await run("lease", "timetolive", "7001")).toMatchObject({
      stdout: "lease HEX granted with TTL(400s), remaining(TIME)\n",
    });
    await run("lease", "timetolive", "7001", "--keys");
    await run("lease", "timetolive", "7001", "--keys", "-w", "fields");
    await run("get", "a", "-w", "fields");
    await run("put", "a", "2", "--ignore-lease", "--prev-kv");
    await run("put", "a", "3");
    await run("lease", "timetolive", "7001", "--keys");
    await run("put", "b", "1", "--lease=7001");
    expect(await run("lease", "keep-alive", "--once", "7001")).toMatchObject({ code: 0 });
    expect(await run("lease", "revoke", "7001")).toMatchObject({ code: 0 });
    await run("get", "--prefix", "", "-w", "fields");
  });
});

test("what is not there", async () => {
  expect(await run("lease", "revoke", "7999")).toMatchObject({ code: 1 });
  await run("lease", "timetolive", "7999");
  await run("lease", "timetolive", "7999", "--keys", "-w", "json");
  expect((await run("lease", "keep-alive", "--once", "7999")).stderr).toContain("not found");
  await run("put", "a", "x", "--lease=7999");
});

test("keys go when a lease expires, and stay while it is kept alive", async () => {
  await grantBoth(0x7100n, 2n);
  await grantBoth(0x7101n, 2n);
  await both(pair, async (subject) => {
    const keepAlive = await startEtcdctl(subject, 1, ["lease", "keep-alive", "7101"]);
    await etcdctl(subject, 0, ["put", "e/short", "1", "--lease=7100"]);
    await etcdctl(subject, 2, ["put", "e/kept", "2", "--lease=7101"]);
    const watch = await startEtcdctl(subject, 0, ["watch", "--prefix", "e/", "--rev=1"]);
    const lines = await watch.lines(8);
    const kept = await etcdctl(subject, 2, ["get", "--prefix", "e/"]);
    await watch.end("interrupt");
    await keepAlive.end("interrupt");
    return { lines, kept };
  });
});

test("lock and elect, which are made of leases, transactions and watches", async () => {
  expect(await run("lock", "door", "echo", "inside")).toMatchObject({ stdout: "inside\n" });
  await both(pair, async (subject) => {
    const holder = await startEtcdctl(subject, 0, ["lock", "gate"]);
    const [key] = await holder.lines(1);
    const waiting = await startEtcdctl(subject, 1, ["lock", "gate", "echo", "second"]);
    await holder.end("interrupt");
    const second = await waiting.end("await");
    return { key, second };
  });
});
