import { describe, expect, test } from "vitest";
import type { SourceStatus } from "../../../global/source/types.js";
import { LINEAGE_KEY } from "../../../shared/etcd/keys.js";
import { FakeMember } from "./fake-etcd.js";
import { follow, records, region, said } from "./followed.js";
import { QUICK } from "./follower.js";

describe("when members fail", () => {
  test("goes on at another one without a gap", async () => {
    const { store, members } = await region(3);
    const follower = follow(members);
    await follower.reaches(2);
    for (let round = 0; round < 6; round++) {
      const gone = members[round % 3] as FakeMember;
      await gone.stop();
      for (let i = 0; i < 20; i++) store.put(`/m/${i}`, `${round}`);
      store.delete(`/m/${round}`);
      await follower.reaches(store.revision);
      expect(said(follower)).toEqual(records(store));
      await gone.start();
    }
    expect(follower.resets).toBe(1);
  });

  test("leaves one whose watch stands still", async () => {
    const { store, members } = await region(2);
    const follower = follow(members);
    await follower.reaches(2);
    const { endpoint } = follower.source.status as { endpoint: string };
    const stalled = members.find((member) => member.endpoint === endpoint) as FakeMember;
    stalled.faults.stalls = true;
    const revision = store.put("/m", "1");
    await follower.reaches(revision);
    expect(follower.source.status).not.toMatchObject({ endpoint });
    expect(follower.resets).toBe(1);
  });

  test("waits for a region that is gone, and resumes", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    const follower = follow(members);
    await follower.reaches(2);
    await member.stop();
    await follower.until(() => follower.source.status.state === "connecting", "connecting");
    const revision = store.put("/m", "1");
    await member.start();
    await follower.reaches(revision);
    expect(follower.resets).toBe(1);
  });

  test("reads anew when history was compacted away meanwhile", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    store.put("/m/1", "1");
    store.put("/m/2", "1");
    const follower = follow(members);
    await follower.reaches(store.revision);
    await member.stop();
    store.delete("/m/1");
    store.compacted = store.put("/m/2", "2");
    await member.start();
    await follower.until(() => follower.resets === 2, "a second first read");
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual([["/m/2", "2"]]);
    expect(follower.outputs.filter((o) => o.kind === "reset")[1]).toMatchObject({
      reason: expect.stringContaining("compacted"),
    });
  });

  test("reads anew when the watch left something out, a lineage record among it", async () => {
    const { store, members } = await region(2);
    const [lossy, sound] = members as [FakeMember, FakeMember];
    const follower = follow([lossy]);
    const other = follow([sound], { gateway: "g1" });
    await follower.reaches(2);
    await other.reaches(2);
    const next = store.revision + 1;
    lossy.faults.omits.add(next).add(next + 1);
    store.transact((write) => {
      write("/m", Buffer.from("1"));
      write(LINEAGE_KEY, Buffer.from("scribble"));
    });
    await follower.until(() => follower.resets === 2, "a second first read");
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual([["/m", "1"]]);
    expect(other.resets).toBe(1);
  });

  test("reads one that is too slow for large pages in small ones, and says how far it is", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    for (let i = 0; i < 1_000; i++) store.put(`/m/${i}`, "x");
    member.faults.msPerKey = 1;
    const seen: SourceStatus[] = [];
    const follower = follow(members, {
      timing: { ...QUICK, callTimeoutMs: 300 },
      onOutput: () => seen.push(follower.source.status),
    });
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
    expect(follower.resets).toBe(1);
    const loading = seen.filter((status) => status.state === "loading" && status.keys > 0);
    expect(loading.length).toBeGreaterThan(2);
    expect(loading.at(-1)).toMatchObject({ expected: expect.closeTo(1_000, -1) });
  });

  test("survives a region that compacts all the time while it is read", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    for (let i = 0; i < 500; i++) store.put(`/m/${i}`, "x".repeat(100));
    member.faults.maxAnswerBytes = 2_000;
    const follower = follow(members, {
      onOutput: (output) => {
        if (output.kind !== "load") return;
        store.compacted = store.revision;
        if (!follower.isWhole) store.put("/m/7", `${store.revision}`);
      },
    });
    await follower.reaches(500);
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
  });
});
