import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it } from "vitest";
import type { Member } from "../../../regional/member.js";
import { CommandKind } from "../../../regional/store/command.js";
import { LeaseGrantRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { until } from "../peer/peers.js";
import { get, put, TestCluster } from "./cluster.js";

let cluster: TestCluster;
afterEach(async () => {
  await cluster?.stop();
});

async function grant(member: Member, id: bigint, ttlSeconds: number): Promise<void> {
  const request = create(LeaseGrantRequestSchema, { ID: id, TTL: BigInt(ttlSeconds) });
  const body = toBinary(LeaseGrantRequestSchema, request);
  expect((await member.propose(CommandKind.leaseGrant, body)).kind).toBe("leaseGrant");
}

describe("leases of three members", () => {
  it("live while they are kept alive through any member, and take their keys along", async () => {
    cluster = await TestCluster.start(3);
    const [follower] = await cluster.followers();
    if (follower === undefined) throw new Error("no follower");
    await grant(follower, 7n, 2);
    await put(follower, "kept", "x", 7n);
    for (let i = 0; i < 8; i++) {
      expect(await follower.leaseKeepAlive(7n)).toBe(2);
      const { ttl, grantedTtl } = await follower.leaseTimeToLive(7n);
      expect(grantedTtl).toBe(2);
      expect(ttl).toBeGreaterThanOrEqual(1);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect(await get(follower, "kept")).toBe("x");
    await until(
      () => cluster.running.every((member) => member.state.lease(7n) === undefined),
      "expiry on every member",
    );
    for (const member of cluster.running) expect(await get(member, "kept")).toBeUndefined();
    const revisions = new Set(cluster.running.map((member) => member.state.currentRevision));
    expect([...revisions]).toEqual([3]);
  });

  it("are unknown everywhere when they are unknown", async () => {
    cluster = await TestCluster.start(3);
    await cluster.leader();
    for (const member of cluster.running) {
      expect(await member.leaseKeepAlive(99n)).toBe(0);
      expect(await member.leaseTimeToLive(99n)).toEqual({ ttl: -1, grantedTtl: 0 });
    }
  });

  it("outlive their leader, and expire under the next one", async () => {
    cluster = await TestCluster.start(3);
    const leader = await cluster.leader();
    await grant(leader, 7n, 2);
    await put(leader, "kept", "x", 7n);
    await cluster.stopMember(leader.name);
    const next = await cluster.leader();
    expect(await next.leaseKeepAlive(7n)).toBe(2);
    expect(await get(next, "kept")).toBe("x");
    await until(() => next.state.lease(7n) === undefined, "expiry");
    expect(await get(next, "kept")).toBeUndefined();
  });
});
