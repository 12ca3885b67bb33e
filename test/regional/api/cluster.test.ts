import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkPeerUrls } from "../../../regional/api/member-urls.js";
import { Cluster, KV, Maintenance } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { RpcClient } from "../../../shared/rpc/client.js";
import type { FakeNode } from "./fake-node.js";
import { ServedNode } from "./served-node.js";

/** etcd's Cluster service and MoveLeader, over the wire. */
let served: ServedNode;
let node: FakeNode;
let client: RpcClient;
beforeEach(async () => {
  served = await ServedNode.start();
  ({ node, client } = served);
});
afterEach(() => served.stop());

const { memberAdd, memberRemove, memberUpdate, memberPromote, memberList } = Cluster.method;

describe("members", () => {
  test("are added with a fresh id, promoted, moved and removed", async () => {
    const added = await client.unary(memberAdd, {
      peerURLs: [" http://127.0.0.1:9", "http://127.0.0.1:8 "],
      isLearner: true,
    });
    const id = added.member?.ID ?? 0n;
    expect(id).toBeGreaterThan(0n);
    expect(id).toBeLessThan(2n ** 53n);
    expect(added.header).toMatchObject({ revision: 0n, memberId: 7n, raftTerm: 3n });
    expect(added.member).toMatchObject({
      name: "",
      peerURLs: ["http://127.0.0.1:8", "http://127.0.0.1:9"],
      isLearner: true,
    });
    expect(added.members.map((member) => [member.ID, member.isLearner])).toEqual([
      [7n, false],
      [id, true],
    ]);
    const promoted = await client.unary(memberPromote, { ID: id });
    expect(promoted.members.map(({ isLearner }) => isLearner)).toEqual([false, false]);
    // In the order of the first peer URLs.
    const moved = await client.unary(memberUpdate, { ID: id, peerURLs: ["http://127.0.0.0:5"] });
    expect(moved.members.map(({ peerURLs }) => peerURLs)).toEqual([
      ["http://127.0.0.0:5"],
      ["http://127.0.0.1:1"],
    ]);
    const removed = await client.unary(memberRemove, { ID: id });
    expect(removed.members.map(({ ID }) => ID)).toEqual([7n]);
    expect((await client.unary(memberList, {})).members).toHaveLength(1);
  });

  test.each([
    ["memberRemove", (ID: bigint) => client.unary(memberRemove, { ID })],
    ["memberPromote", (ID: bigint) => client.unary(memberPromote, { ID })],
    ["memberUpdate", (ID: bigint) => client.unary(memberUpdate, { ID, peerURLs: ["http://a:1"] })],
  ])("%s of an id that is nobody's", async (_name, run) => {
    const notFound = { code: "NOT_FOUND", message: "etcdserver: member not found" };
    for (const id of [0n, 8n, 2n ** 53n, 2n ** 64n - 1n]) {
      await expect(run(id)).rejects.toMatchObject(notFound);
    }
  });

  test.each([
    [[]],
    [[""]],
    [["127.0.0.1:1"]],
    [["ftp://127.0.0.1:1"]],
    [["https://127.0.0.1:1"]],
    [["http://127.0.0.1"]],
    [["http://127.0.0.1:x"]],
    [["http://127.0.0.1:1/"]],
    [["http://127.0.0.1:1", "http://127.0.0.1:2/path"]],
  ])("URLs %j are no peer's", (urls) => {
    expect(() => checkPeerUrls(urls)).toThrow("etcdserver: given member URLs are invalid");
  });

  test("a caller that wants a leader is refused where there is none", async () => {
    node.hasLeader = false;
    const call = client.unary(
      memberAdd,
      { peerURLs: ["http://a:1"] },
      { headers: { hasleader: "true" } },
    );
    await expect(call).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

test("leadership is moved, and the answer has no header", async () => {
  const answer = await client.unary(Maintenance.method.moveLeader, { targetID: 9n });
  expect(answer.header).toBeUndefined();
  expect(node.transfers).toEqual([9]);
});

describe("a learner", () => {
  beforeEach(() => {
    node.isLearner = true;
  });
  const refused = { code: "UNAVAILABLE", message: "etcdserver: rpc not supported for learner" };

  test("serves its own state and its status, and nothing else", async () => {
    const key = Uint8Array.of(1);
    await client.unary(KV.method.range, { key, serializable: true });
    await client.unary(Maintenance.method.status, {});
    for (const call of [
      client.unary(KV.method.range, { key }),
      client.unary(KV.method.put, { key }),
      client.unary(memberList, {}),
      client.unary(Maintenance.method.moveLeader, { targetID: 9n }),
    ]) {
      await expect(call).rejects.toMatchObject(refused);
    }
  });
});
