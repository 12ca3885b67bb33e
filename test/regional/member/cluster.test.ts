import { afterEach, describe, expect, it } from "vitest";
import { CommandKind } from "../../../regional/store/command.js";
import { MAX_REQUEST_BYTES } from "../../../shared/limits.js";
import { until } from "../peer/peers.js";
import { get, imageOf, put, TestCluster } from "./cluster.js";

let cluster: TestCluster;
afterEach(async () => {
  await cluster?.stop();
  expect(cluster?.fatal).toEqual([]);
});

/** Waits until all members have applied the same, and gives their common image. */
async function agreed(): Promise<string> {
  const applied = (): number[] => cluster.running.map((m) => m.status().raftAppliedIndex);
  await until(() => new Set(applied()).size === 1, "members level");
  const images = new Set(cluster.running.map(imageOf));
  expect(images.size).toBe(1);
  return [...images][0] as string;
}

describe("three members", () => {
  it("take writes through any member, which every member then reads", async () => {
    cluster = await TestCluster.start(3);
    await cluster.leader();
    for (const [i, member] of cluster.running.entries()) {
      const outcome = await put(member, `key-${i}`, `value-${i}`);
      expect(outcome.kind).toBe("put");
      for (const reader of cluster.running)
        expect(await get(reader, `key-${i}`)).toBe(`value-${i}`);
    }
    await agreed();
  });

  it("batch what comes in one turn: many puts, few fsyncs; many reads, few rounds", async () => {
    cluster = await TestCluster.start(3);
    const leader = await cluster.leader();
    const [follower] = await cluster.followers();
    if (follower === undefined) throw new Error("no follower");
    const before = follower.stats();
    const writes = cluster.running.flatMap((member, m) =>
      Array.from({ length: 300 }, (_, i) => put(member, `${m}/${i}`, "x")),
    );
    const revisions = (await Promise.all(writes)).map((outcome) => outcome.revision);
    expect(new Set(revisions).size).toBe(900);
    await Promise.all(Array.from({ length: 500 }, () => get(follower, "0/0")));
    const after = follower.stats();
    expect(after.reads - before.reads).toBe(500);
    expect(after.readRounds - before.readRounds).toBeLessThan(10);
    expect(leader.stats().proposalsPending).toBe(0);
    await agreed();
  });

  it("publish their names and addresses", async () => {
    cluster = await TestCluster.start(3);
    await until(
      () => cluster.running.every((m) => m.members().every(({ name }) => name !== "")),
      "published names",
    );
    const members = cluster.running[0]?.members() ?? [];
    expect(members.map((m) => m.name).sort()).toEqual(["m0", "m1", "m2"]);
    for (const { clientUrls, peerUrls, isLearner } of members) {
      expect(clientUrls).toEqual(["http://127.0.0.1:1"]);
      expect(peerUrls[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(isLearner).toBe(false);
    }
  });

  it("go on when the leader stops, and take it back with all it missed", async () => {
    cluster = await TestCluster.start(3);
    const first = await cluster.leader();
    await put(first, "before", "1");
    await cluster.stopMember(first.name);
    const second = await cluster.leader();
    expect(second.name).not.toBe(first.name);
    for (const member of cluster.running) expect(await get(member, "before")).toBe("1");
    await put(cluster.running[0] ?? second, "after", "2");
    const again = await cluster.startMember(first.name);
    await cluster.leader();
    expect(await get(again, "after")).toBe("2");
    await agreed();
  });

  it("refuse what is too large and fail reads and writes without a majority", async () => {
    cluster = await TestCluster.start(3);
    const leader = await cluster.leader();
    await expect(
      leader.propose(CommandKind.put, new Uint8Array(MAX_REQUEST_BYTES + 1)),
    ).rejects.toThrow("etcdserver: request is too large");
    const [a, b] = await cluster.followers();
    await cluster.stopMember(leader.name);
    await cluster.stopMember((b ?? leader).name);
    if (a === undefined) throw new Error("no follower");
    await until(() => !a.hasLeader, "no leader");
    await expect(put(a, "x", "y")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(get(a, "x")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "etcdserver: no leader",
    });
    expect(a.status().errors).toEqual(["etcdserver: no leader"]);
  }, 40_000);

  it("keep everything over a restart of all", async () => {
    cluster = await TestCluster.start(3);
    await cluster.leader();
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => put(cluster.member(`m${i % 3}`), `k${i}`, `v${i}`)),
    );
    await until(
      () => cluster.running.every((m) => m.members().every(({ name }) => name !== "")),
      "published names",
    );
    const before = await agreed();
    for (const name of cluster.names) await cluster.stopMember(name);
    await Promise.all(cluster.names.map((name) => cluster.startMember(name)));
    const leader = await cluster.leader();
    expect(await get(leader, "k199")).toBe("v199");
    await until(
      () => cluster.running.every((m) => m.state.currentRevision === leader.state.currentRevision),
      "members level",
    );
    // The meta record holds the applied index, which the new leader's first entry moved.
    const rows = (image: string): string[] => image.split("\n").slice(1);
    expect(rows(await agreed())).toEqual(rows(before));
  });
});

describe("one member alone", () => {
  it("leads at once and serves", async () => {
    cluster = await TestCluster.start(1);
    const only = cluster.member("m0");
    expect((await put(only, "a", "b")).revision).toBe(2);
    expect(await get(only, "a")).toBe("b");
    await cluster.stopMember("m0");
    const again = await cluster.startMember("m0");
    expect(await get(again, "a")).toBe("b");
    expect(again.state.currentRevision).toBe(2);
  });
});
