import { describe, expect, test } from "vitest";
import type { HeldPast } from "../../../global/source/past.js";
import type { SourceOutput } from "../../../global/source/types.js";
import { encodeIncarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY } from "../../../shared/etcd/keys.js";
import { MAX_REPLAYED_REVISIONS } from "../../../shared/limits.js";
import type { FakeMember } from "./fake-etcd.js";
import { follow, records, region, said } from "./followed.js";
import { QUICK, type SourceFollower } from "./follower.js";

/**
 * A source that was started again reads the region as it was where its gateway left it, and
 * hears the rest as changes.
 */

/** What a follower would go on from, had it been left at a revision. */
function leftAt(before: SourceFollower, revision: number): HeldPast {
  const incarnation = before.source.followed?.incarnation;
  if (incarnation === undefined) throw new Error("nothing was followed");
  return { incarnation, revision };
}

const loads = ({ outputs }: SourceFollower): Extract<SourceOutput, { kind: "load" }>[] =>
  outputs.filter((output) => output.kind === "load");

/** Changes of records, as they were told one by one. */
function changes({ outputs }: SourceFollower): [string, number][] {
  return outputs.flatMap((output) =>
    output.kind === "batch"
      ? output.events
          .filter(({ key }) => key.startsWith("/m/"))
          .map(({ key, modRevision }): [string, number] => [key, modRevision])
      : [],
  );
}

async function lived(): Promise<{
  readonly store: Awaited<ReturnType<typeof region>>["store"];
  readonly members: readonly FakeMember[];
  readonly before: SourceFollower;
}> {
  const { store, members } = await region();
  for (let i = 0; i < 10; i++) store.put(`/m/${i}`, "before");
  const before = follow(members);
  await before.reaches(store.revision);
  await before.stop();
  return { store, members, before };
}

describe("a source that was started again", () => {
  test("reads what its gateway holds, then hears each change since", async () => {
    const { store, members, before } = await lived();
    const left = store.revision;
    const first = store.put("/m/3", "between");
    store.put("/m/3", "before");
    store.delete("/m/4");
    const follower = follow(members, { held: () => leftAt(before, left) });
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
    expect(new Set(loads(follower).map(({ revision }) => revision))).toEqual(new Set([left]));
    expect(changes(follower)).toEqual([
      ["/m/3", first],
      ["/m/3", first + 1],
      ["/m/4", first + 2],
    ]);
    expect(follower.resets).toBe(1);
    await follower.until(() => follower.outputs.some((o) => o.kind === "confirmed"), "freshness");
  });

  test("isn't taken for stalled while it reads the past", async () => {
    const { store, members, before } = await lived();
    const [member] = members as [FakeMember];
    const left = store.revision;
    store.put("/m/3", "after");
    // The records' page takes three times as long as a watch may stand still.
    member.faults.msPerKey = 90;
    const timing = { ...QUICK, stallMs: 300, callTimeoutMs: 5_000 };
    const follower = follow(members, { held: () => leftAt(before, left), timing });
    await follower.until(() => follower.source.status.state === "loading", "it reads");
    await follower.reaches(store.revision);
    expect(changes(follower)).toEqual([["/m/3", left + 1]]);
    expect(follower.resets).toBe(1);
  });

  test.each([
    ["is compacted", { compact: true, back: 0 }],
    ["is too long ago", { compact: false, back: MAX_REPLAYED_REVISIONS + 1 }],
  ])("reads the newest state where what it left %s", async (_, { compact, back }) => {
    const { store, members, before } = await lived();
    const left = store.revision;
    for (let i = 0; i < Math.max(back, 3); i++) store.put("/m/3", `after ${i}`);
    if (compact) store.compacted = left + 1;
    const newest = store.revision;
    const follower = follow(members, { held: () => leftAt(before, left) });
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
    expect(loads(follower)[0]?.revision).toBeGreaterThanOrEqual(newest);
  });

  test("reads the newest state when what it left is compacted while it reads that", async () => {
    const { store, members, before } = await lived();
    const left = store.revision;
    store.put("/m/3", "after");
    const follower = follow(members, {
      held: () => leftAt(before, left),
      onOutput: ({ kind }) => {
        if (kind === "reset") store.compacted = left + 1;
      },
    });
    await follower.reaches(store.revision);
    expect(said(follower)).toEqual(records(store));
    expect(follower.resets).toBe(2);
  });

  test("reads the newest state of another life", async () => {
    const { store, members, before } = await lived();
    const left = store.revision;
    const { incarnation } = leftAt(before, left);
    const next = { ...incarnation, counter: 2, nonce: "b".repeat(32) };
    store.put(INCARNATION_KEY, encodeIncarnation(next));
    const newest = store.put("/m/3", "after");
    const follower = follow(members, { held: () => ({ incarnation, revision: left }) });
    await follower.reaches(newest);
    expect(loads(follower)[0]?.revision).toBeGreaterThanOrEqual(newest);
    const past = follow(members, { held: () => ({ incarnation: next, revision: left }) });
    await past.reaches(newest);
    expect(loads(past)[0]?.revision).toBeGreaterThanOrEqual(newest);
  });
});
