import { describe, expect, test } from "vitest";
import { parseIncarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../../shared/etcd/keys.js";
import { parseLineage } from "../../../shared/etcd/lineage.js";
import { FakeMember } from "./fake-etcd.js";
import { follow, records, region, said, value } from "./followed.js";
import { QUICK } from "./follower.js";

/** A source against fake members: what real ones can't be made to do on demand. */

describe("following a region", () => {
  test("begins its first incarnation, reads it, and says every change", async () => {
    const { store, members } = await region();
    for (let i = 0; i < 20; i++) store.put(`/m/${i}`, `v${i}`);
    const follower = follow(members);
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
    store.put("/m/3", "changed");
    store.delete("/m/4");
    await follower.reaches(store.put("/n", "new"));
    expect(said(follower)).toEqual(records(store));
    const incarnation = parseIncarnation(value(store, INCARNATION_KEY));
    expect(incarnation).toMatchObject({ counter: 1, baseRevision: 0, parentNonce: "" });
    expect(follower.outputs[0]).toEqual({ kind: "reset", incarnation, reason: "first read" });
    expect(follower.source.status).toMatchObject({ state: "live", endpoint: members[0]?.endpoint });
  });

  test("by several gateways is one incarnation and one lineage, written in turn", async () => {
    const { store, members } = await region();
    const followers = ["a", "b", "c"].map((gateway) => follow(members, { gateway }));
    for (const follower of followers) await follower.reaches(2);
    await followers[0]?.until(
      () => parseLineage(value(store, LINEAGE_KEY)).counter >= 5,
      "lineage 5",
    );
    const counters: number[] = [];
    for (let revision = 2; revision <= store.revision; revision++) {
      for (const { key, kv } of store.changes(revision)) {
        if (key === INCARNATION_KEY) expect(revision).toBe(2);
        if (key === LINEAGE_KEY)
          counters.push(parseLineage(Buffer.from(kv.value).toString()).counter);
      }
    }
    expect(counters).toEqual(counters.map((_, i) => i + 1));
    expect(followers.map((follower) => follower.resets)).toEqual([1, 1, 1]);
  });

  test("reads many keys in pages while they change, and too large pages in smaller ones", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    for (let i = 0; i < 2_000; i++) store.put(`/m/${i}`, "x".repeat(100));
    member.faults.maxAnswerBytes = 20_000;
    let writes = 0;
    const follower = follow(members, {
      onOutput: (output) => {
        if (output.kind !== "load" || writes > 30) return;
        store.put(`/m/${(writes * 577) % 2_000}`, `w${writes}`);
        store.delete(`/m/${(writes++ * 331 + 1) % 2_000}`);
      },
    });
    await follower.until(() => follower.isWhole, "a whole first read");
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
    expect(writes).toBeGreaterThan(5);
    expect(member.ranges).toBeGreaterThan(10);
  });

  test("puts fragments together", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    member.faults.fragmentEvents = 3;
    const follower = follow(members);
    await follower.reaches(2);
    store.transact((write) => {
      for (let i = 0; i < 10; i++) write(`/m/${i}`, Buffer.from(`${i}`));
    });
    await follower.reaches(store.revision);
    const batch = follower.outputs.find((o) => o.kind === "batch" && o.events.length > 1);
    expect(batch).toMatchObject({ events: { length: 10 } });
  });

  test("reads existing keys again when it is asked, in step with changes", async () => {
    const { store, members } = await region();
    for (let i = 0; i < 50; i++) store.put(`/m/${i}`, `${i}`);
    store.put("/n/1", "n");
    const follower = follow(members);
    await follower.reaches(store.revision);
    follower.source.scan(4, "/m/");
    const isDone = (): boolean =>
      follower.outputs.some((o) => o.kind === "load" && o.scan === 4 && o.done);
    await follower.until(isDone, "scan 4");
    const loaded = follower.outputs.flatMap((o) =>
      o.kind === "load" && o.scan === 4 ? o.records : [],
    );
    expect(loaded.map((record) => record.key).sort()).toEqual(
      records(store)
        .map(([key]) => key)
        .filter((key) => key.startsWith("/m/"))
        .sort(),
    );
  });

  test("says nothing once it is stopped, and stops twice", async () => {
    const { store, members } = await region();
    const follower = follow(members);
    await follower.reaches(2);
    await follower.stop();
    await follower.stop();
    const count = follower.outputs.length;
    store.put("/m", "1");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(follower.outputs.length).toBe(count);
  });
});

describe("freshness", () => {
  test.each([
    ["by writing the lineage key", undefined],
    ["by asking a server that answers in order for its progress", "3.6.1"],
  ])("is confirmed while only keys that nobody watches change, %s", async (_, version) => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    member.version = version;
    // A session begins with a lineage record, so there must be only one of them.
    const timing = { ...QUICK, lineageMs: 60_000, stallMs: 60_000, callTimeoutMs: 15_000 };
    const follower = follow(members, { timing });
    await follower.reaches(3);
    const confirmed = (): number[] =>
      follower.outputs.flatMap((o) => (o.kind === "confirmed" ? [o.asOf.monotonicMs] : []));
    for (let round = 0; round < 5; round++) {
      store.put("elsewhere", String(round));
      const since = performance.now();
      await follower.until(() => (confirmed().at(-1) ?? 0) > since, "a confirmation");
    }
    const times = confirmed();
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(performance.now());
    expect(follower.resets).toBe(1);
    const lineage = parseLineage(value(store, LINEAGE_KEY)).counter;
    if (version === undefined) expect(lineage).toBeGreaterThan(3);
    else expect(lineage).toBe(1);
  });

  test("ages while linearizable reads get no answer", async () => {
    const { store, members } = await region();
    const [member] = members as [FakeMember];
    const follower = follow(members, { timing: { confirmMs: 10, lineageMs: 20, stallMs: 60_000 } });
    await follower.until(
      () => follower.outputs.some((o) => o.kind === "confirmed"),
      "a confirmation",
    );
    member.faults.hangs = true;
    const since = performance.now();
    const revision = store.put("/m", "1");
    await follower.reaches(revision);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const output of follower.outputs) {
      if (output.kind === "confirmed") expect(output.asOf.monotonicMs).toBeLessThan(since);
    }
    member.faults.hangs = false;
  });
});
