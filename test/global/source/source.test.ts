import { afterEach, describe, expect, test } from "vitest";
import type { RegionSourceOptions } from "../../../global/source/source.js";
import type { KnownSource } from "../../../global/source/types.js";
import { encodeIncarnation, parseIncarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../../shared/etcd/keys.js";
import { parseLineage } from "../../../shared/etcd/lineage.js";
import { FakeMember, startFakeRegion } from "./fake-etcd.js";
import { FakeStore } from "./fake-store.js";
import { QUICK, SourceFollower } from "./follower.js";

/** A source against fake members: what real ones can't be made to do on demand. */

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function region(members = 1): Promise<{ store: FakeStore; members: FakeMember[] }> {
  const started = await startFakeRegion(members);
  for (const member of started.members) cleanups.push(() => member.stop());
  return started;
}

function follow(
  members: readonly FakeMember[],
  options: Partial<RegionSourceOptions> = {},
): SourceFollower {
  const follower = new SourceFollower(
    members.map((member) => member.endpoint),
    options,
  );
  cleanups.push(() => follower.stop());
  return follower;
}

/** A store's keys below "/" without Atoll's own, as text. */
function records(store: FakeStore, revision = store.revision): [string, string][] {
  return store
    .at(revision)
    .map((kv): [string, string] => [
      Buffer.from(kv.key).toString(),
      Buffer.from(kv.value).toString(),
    ])
    .filter(([key]) => key.startsWith("/") && !key.startsWith("/atoll/"));
}

function said(follower: SourceFollower): [string, string][] {
  return [...follower.state]
    .filter(([key]) => !key.startsWith("/atoll/"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function value(store: FakeStore, key: string): string {
  const kv = store.range(key, "", store.revision)[0];
  return Buffer.from(kv?.value ?? []).toString();
}

/** The incarnation and lineage of a store that a source followed. */
function raise(store: FakeStore): void {
  const before = parseIncarnation(value(store, INCARNATION_KEY));
  const next = {
    counter: before.counter + 1,
    nonce: "f".repeat(32),
    baseRevision: store.revision,
    parentNonce: before.nonce,
  };
  store.put(INCARNATION_KEY, encodeIncarnation(next));
}

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
    const follower = follow(members, { timing: { ...QUICK, lineageMs: 60_000 } });
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

describe("a store that isn't the one that was followed", () => {
  async function followed(): Promise<{
    store: FakeStore;
    member: FakeMember;
    follower: SourceFollower;
  }> {
    const { store, members } = await region();
    for (let i = 0; i < 5; i++) store.put(`/m/${i}`, `${i}`);
    const follower = follow(members);
    await follower.reaches(store.revision);
    await follower.until(() => parseLineage(value(store, LINEAGE_KEY)).counter >= 3, "lineage 3");
    return { store, member: members[0] as FakeMember, follower };
  }

  async function swap(member: FakeMember, store: FakeStore): Promise<void> {
    await member.stop();
    member.store = store;
    await member.start();
  }

  async function refusal(follower: SourceFollower): Promise<string> {
    await follower.until(() => follower.source.status.state === "refused", "a refusal");
    const { status } = follower.source;
    expect(status).toMatchObject({ command: "atoll region restore-epoch raise" });
    return status.state === "refused" ? status.reason : "";
  }

  test("a restored backup is refused, until its incarnation is raised", async () => {
    const { store, member, follower } = await followed();
    const backup = store.restoredTo(store.revision - 2);
    await swap(member, backup);
    expect(await refusal(follower)).toMatch(/it went back/);
    const revision = follower.revision;
    backup.put("/m/0", "restored");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(follower.revision).toBe(revision);
    raise(backup);
    await follower.until(() => follower.resets === 2 && follower.isWhole, "another beginning");
    await follower.reaches(backup.revision);
    expect(said(follower)).toEqual(records(backup));
    expect(follower.outputs.filter((o) => o.kind === "reset").at(-1)).toMatchObject({
      incarnation: { counter: 2 },
    });
  });

  test("so is one whose revision and lineage have overtaken the old ones", async () => {
    const { store, member, follower } = await followed();
    const backup = store.restoredTo(8);
    await member.stop();
    const other = new FakeMember(backup);
    await other.start();
    cleanups.push(() => other.stop());
    const stranger = follow([other], { gateway: "stranger" });
    await stranger.until(() => {
      const text = value(backup, LINEAGE_KEY);
      return backup.revision > store.revision + 5 && text !== "" && parseLineage(text).counter > 10;
    }, "a lineage that overtakes");
    await stranger.stop();
    await swap(member, backup);
    expect(await refusal(follower)).toMatch(/its history forked/);
  });

  test("so is another store, or one that lost Atoll's keys", async () => {
    const { member, follower } = await followed();
    const other = new FakeStore();
    for (let i = 0; i < 100; i++) other.put("/m", `${i}`);
    await swap(member, other);
    expect(await refusal(follower)).toMatch(/has no \/atoll\/incarnation, but incarnation 1/);
  });

  test("so is one that contradicts what this gateway remembers, or what peers say", async () => {
    const { store, member, follower } = await followed();
    const known = follower.source.followed as KnownSource;
    await follower.stop();
    const remembering = follow([member], { known: { ...known, revision: 1_000_000 } });
    expect(await refusal(remembering)).toMatch(/revision \d+, but 1000000 was seen/);
    await remembering.stop();

    const told = follow([member]);
    await told.reaches(store.revision);
    told.source.remember({ ...known, revision: 1_000_000 });
    expect(await refusal(told)).toMatch(/but 1000000 was seen/);
    await told.stop();

    const conflicting = follow([member]);
    await conflicting.reaches(store.revision);
    conflicting.source.remember(known);
    conflicting.source.remember({
      ...known,
      incarnation: { ...known.incarnation, counter: 2, nonce: "e".repeat(32) },
    });
    expect(await refusal(conflicting)).toMatch(/incarnation 2 \(eeeeeeee\) was seen/);
  });

  test("a raised incarnation is taken on while it runs", async () => {
    const { store, follower } = await followed();
    raise(store);
    await follower.until(() => follower.resets === 2, "another beginning");
    await follower.reaches(store.revision);
    expect(follower.outputs.filter((o) => o.kind === "reset")[1]).toMatchObject({
      incarnation: { counter: 2, nonce: "f".repeat(32) },
    });
  });

  test("endpoints of two clusters are never read as one", async () => {
    const { store, members } = await region(2);
    const [a, b] = members as [FakeMember, FakeMember];
    b.store = new FakeStore(8n);
    b.store.put("/m/b", "1");
    store.put("/m/a", "1");
    const follower = follow(members);
    await follower.reaches(2);
    await a.stop();
    await refusal(follower);
    expect(said(follower)).toEqual([["/m/a", "1"]]);
  });

  test("reads that go back are noticed while the watch goes on", async () => {
    const { member, follower } = await followed();
    member.faults.readsAt = 3;
    await follower.until(() => follower.source.status.state !== "live", "not live");
    expect(await refusal(follower)).toMatch(/went back|has no \/atoll\/(lineage|incarnation)/);
    member.faults.readsAt = undefined;
    await follower.until(() => follower.source.status.state === "live", "live again");
    expect(follower.resets).toBe(1);
  });

  test("a broken incarnation record is named", async () => {
    const { store, members } = await region();
    store.put(INCARNATION_KEY, '{"format":1,"counter":0}');
    const follower = follow(members);
    await follower.until(
      () => (follower.source.status as { error?: string }).error !== undefined,
      "an error",
    );
    expect(follower.source.status).toMatchObject({
      error: expect.stringContaining("/atoll/incarnation: counter"),
    });
  });
});
