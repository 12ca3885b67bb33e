import { afterEach, describe, expect, test } from "vitest";
import { AtollError } from "../../../shared/errors.js";
import { changeStoredChain, flipStoredValue } from "../../peers/stored-flip.js";
import { until } from "../peer/peers.js";
import { get, put, TestCluster } from "./cluster.js";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const flipValue = (dataDir: string): void => flipStoredValue(dataDir, "value-number-7");

/** A cluster with some pairs, in which what one follower has stored was changed while it was stopped. */
async function withChangedFollower(
  size: number,
  change: (dataDir: string) => void,
): Promise<{ cluster: TestCluster; bad: string }> {
  cluster = await TestCluster.start(size);
  const leader = await cluster.leader();
  for (let i = 0; i < 20; i++) await put(leader, `k${i}`, `value-number-${i}`);
  const follower = (await cluster.followers())[0];
  const bad = follower?.name ?? "";
  await until(
    () => follower?.status().raftAppliedIndex === leader.status().raftIndex,
    "it follows",
  );
  await cluster.stopMember(bad);
  change(cluster.dataDir(bad));
  await cluster.startMember(bad);
  return { cluster, bad };
}

describe("a member whose stored state has changed behind its back", () => {
  test("is named by all, stops with a message, and doesn't start again until it is wiped", async () => {
    const { cluster: members, bad } = await withChangedFollower(3, flipValue);
    const sick = members.member(bad);
    const [first, second] = members.running.filter((member) => member !== sick);
    await until(
      () => members.running.every((member) => member.stats().diverged.includes(sick.memberId)),
      "all name it",
      20_000,
    );
    expect(members.fatal).toHaveLength(1);
    const { message } = members.fatal[0] as AtollError;
    expect(message).toMatch(
      /has diverged from its group's: the pairs from key "" to the last one at revision 21 \(index \d+\) is [0-9a-f]{32} here, but [0-9a-f]{32} on a majority/,
    );
    expect(members.logged.filter((line) => line.includes("state has diverged"))).toHaveLength(3);
    await expect(sick.linearizable()).rejects.toThrow("etcdserver: corrupt cluster");
    await expect(put(sick, "k", "v")).rejects.toThrow("etcdserver: corrupt cluster");
    await members.stopMember(bad);
    if (first === undefined || second === undefined) throw new Error("two members are left");
    await put(first, "more", "goes on");
    expect(await get(second, "more")).toBe("goes on");
    const refused = await members.startMember(bad).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AtollError);
    expect((refused as AtollError).message).toContain(
      "DIVERGED forbids to start: the state of this",
    );
    expect((refused as AtollError).message).toContain("add it as a new member");
    expect(first.stats().diverged).toEqual([sick.memberId]);
  }, 60_000);

  test("is named by its hash chain, at an index and with both hashes", async () => {
    const { cluster: members, bad } = await withChangedFollower(3, changeStoredChain);
    const sick = members.member(bad);
    await until(
      () => members.running.every((member) => member.stats().diverged.includes(sick.memberId)),
      "all name it",
      20_000,
    );
    expect(String(members.fatal[0])).toMatch(
      /the hash chain at index \d+ is [0-9a-f]{32} here, but [0-9a-f]{32} on a majority/,
    );
  }, 60_000);

  test("alarms all of a group of two, which goes on: nobody can say who is right", async () => {
    const { cluster: members } = await withChangedFollower(2, flipValue);
    await until(
      () => members.running.every((member) => member.stats().disputed),
      "all alarm",
      20_000,
    );
    expect(members.fatal).toEqual([]);
    const [first] = members.running;
    if (first === undefined) throw new Error("two members run");
    await put(first, "more", "goes on");
    expect(members.logged.filter((line) => line.includes("no majority can say"))).toHaveLength(2);
  }, 60_000);
});

test("members that write, restart and catch up agree all the time", async () => {
  cluster = await TestCluster.start(3);
  const members = cluster;
  const leader = await members.leader();
  const follower = (await members.followers())[0]?.name ?? "";
  const write = (from: number, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, (_, i) => put(leader, `k${from + i}`, `v${i}`)));
  await write(0, 1_500);
  await members.stopMember(follower);
  await write(1_500, 1_500);
  await members.startMember(follower);
  const end = leader.status().raftIndex;
  await until(
    () => members.running.every((member) => member.stats().auditedIndex >= end),
    "all compare at the end",
    20_000,
  );
  expect(members.running.map((member) => member.stats().auditsDiffering)).toEqual([0, 0, 0]);
}, 60_000);
