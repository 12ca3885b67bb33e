import { afterEach } from "vitest";
import type { RegionSourceOptions } from "../../../global/source/source.js";
import { encodeIncarnation, parseIncarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY } from "../../../shared/etcd/keys.js";
import { type FakeMember, startFakeRegion } from "./fake-etcd.js";
import type { FakeStore } from "./fake-store.js";
import { SourceFollower } from "./follower.js";

/** What ends with the test, in turn. */
export const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export async function region(members = 1): Promise<{ store: FakeStore; members: FakeMember[] }> {
  const started = await startFakeRegion(members);
  for (const member of started.members) cleanups.push(() => member.stop());
  return started;
}

export function follow(
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
export function records(store: FakeStore, revision = store.revision): [string, string][] {
  return store
    .at(revision)
    .map((kv): [string, string] => [
      Buffer.from(kv.key).toString(),
      Buffer.from(kv.value).toString(),
    ])
    .filter(([key]) => key.startsWith("/") && !key.startsWith("/atoll/"));
}

export function said(follower: SourceFollower): [string, string][] {
  return [...follower.state]
    .filter(([key]) => !key.startsWith("/atoll/"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

export function value(store: FakeStore, key: string): string {
  const kv = store.range(key, "", store.revision)[0];
  return Buffer.from(kv?.value ?? []).toString();
}

/** The incarnation and lineage of a store that a source followed. */
export function raise(store: FakeStore): void {
  const before = parseIncarnation(value(store, INCARNATION_KEY));
  const next = {
    counter: before.counter + 1,
    nonce: "f".repeat(32),
    baseRevision: store.revision,
    parentNonce: before.nonce,
  };
  store.put(INCARNATION_KEY, encodeIncarnation(next));
}
