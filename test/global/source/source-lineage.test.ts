import { describe, expect, test } from "vitest";
import type { KnownSource } from "../../../global/source/types.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../../shared/etcd/keys.js";
import { parseLineage } from "../../../shared/etcd/lineage.js";
import { FakeMember } from "./fake-etcd.js";
import { FakeStore } from "./fake-store.js";
import { cleanups, follow, raise, records, region, said, value } from "./followed.js";
import { SourceFollower } from "./follower.js";

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

  test("what peers say while the store's history is looked at counts, too", async () => {
    const { member, follower } = await followed();
    const known = follower.source.followed as KnownSource;
    const { lineage } = known;
    if (lineage === undefined) throw new Error("no lineage was seen");
    await follower.stop();
    const before = member.ranges;
    // The answer with the old lineage record is on its way for a while.
    member.faults.msPerKey = 500;
    const remembering = follow([member], { known });
    await remembering.until(() => member.ranges > before, "a look at the history");
    expect(remembering.resets).toBe(0);
    const other = { ...lineage, nonce: "0123456789abcdef", counter: lineage.counter + 1 };
    remembering.source.remember({ ...known, lineage: { ...other, revision: 3 } });
    member.faults.msPerKey = 0;
    expect(await refusal(remembering)).toMatch(/its history forked|went back/);
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
