import { afterEach, describe, expect, it } from "vitest";
import type { Member } from "../../../regional/member.js";
import { LOG_COMPACTION_STEP_ENTRIES, LOG_MARGIN_ENTRIES } from "../../../shared/limits.js";
import { until } from "../peer/peers.js";
import { get, imageOf, put, TestCluster } from "./cluster.js";

let cluster: TestCluster;
afterEach(async () => {
  await cluster?.stop();
  expect(cluster?.fatal).toEqual([]);
});

async function putMany(member: Member, prefix: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    const batch = Array.from({ length: 500 }, (_, i) => put(member, `${prefix}${done + i}`, "x"));
    await Promise.all(batch);
  }
}

describe("a member that fell behind the log", () => {
  it("gets a snapshot, then the rest, and serves again", async () => {
    cluster = await TestCluster.start(3);
    const leader = await cluster.leader();
    const [behind] = await cluster.followers();
    if (behind === undefined) throw new Error("no follower");
    const { name } = behind;
    await put(leader, "first", "1");
    await cluster.stopMember(name);
    await putMany(leader, "a", LOG_MARGIN_ENTRIES + 2 * LOG_COMPACTION_STEP_ENTRIES);
    await until(() => leader.stats().compactions > 0, "a compaction of the log");
    const again = await cluster.startMember(name);
    const writing = putMany(leader, "b", 1000);
    await until(() => again.stats().snapshotsInstalled > 0, "an installed snapshot", 20_000);
    await writing;
    expect(leader.stats().snapshotsSent).toBe(1);
    expect(await get(again, "first")).toBe("1");
    expect(await get(again, "b999")).toBe("x");
    await put(again, "last", "2");
    expect(await get(again, "last")).toBe("2");
    await until(
      () => new Set(cluster.running.map((m) => m.status().raftAppliedIndex)).size === 1,
      "members level",
    );
    expect(new Set(cluster.running.map(imageOf)).size).toBe(1);
    const end = again.status().raftAppliedIndex;
    await until(() => again.stats().auditedIndex >= end, "a comparison with the others");
    expect(again.stats().auditsDiffering).toBe(0);

    await cluster.stopMember(name);
    const restarted = await cluster.startMember(name);
    expect(await get(restarted, "last")).toBe("2");
    expect(restarted.stats().snapshotsInstalled).toBe(0);
  }, 60_000);
});
