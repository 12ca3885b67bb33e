import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KnownSource } from "../../../global/source/types.js";
import { EtcdClient } from "../../../shared/etcd/client.js";
import { encodeIncarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY } from "../../../shared/etcd/keys.js";
import { deleteRange, prefixQuery, put, range } from "../../../shared/etcd/kv.js";
import { KV } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type Region, startRegion } from "../../peers/atoll.js";
import { type EtcdCluster, startEtcd } from "../../peers/etcd.js";
import { etcdctlOk } from "../../peers/etcdctl.js";
import { DelayProxy } from "../../wan/delay-proxy.js";
import { QUICK, SourceFollower } from "./follower.js";

/** The source on real clusters: of Debian's etcd, and of our own members. */

const ENGINES = [
  ["etcd", () => startEtcd({ members: 3 })],
  ["our own", () => startRegion({ members: 3 })],
] as const;

const TIMING = { ...QUICK, lineageMs: 200, confirmMs: 50, stallMs: 1_500, callTimeoutMs: 5_000 };

/** A region's records, read linearizably. */
async function records(client: EtcdClient): Promise<[string, string][]> {
  const { kvs } = await range(client, prefixQuery("/m/"));
  return kvs.map((kv) => [Buffer.from(kv.key).toString(), Buffer.from(kv.value).toString()]);
}

function said(follower: SourceFollower): [string, string][] {
  return [...follower.state]
    .filter(([key]) => key.startsWith("/m/"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

async function same(follower: SourceFollower, client: EtcdClient): Promise<void> {
  const { header } = await range(client, { key: "/m/" });
  await follower.reaches(header.revision);
  expect(said(follower)).toEqual(await records(client));
}

/** Tries again while the members elect a leader. */
async function electing<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries >= 5) throw error;
    }
  }
}

describe.each(ENGINES)("on three members of %s", (_engine, start) => {
  let members: EtcdCluster | Region;
  let client: EtcdClient;
  beforeAll(async () => {
    members = await start();
    client = new EtcdClient({ endpoints: members.endpoints, timeoutMs: 15_000 });
  });
  afterAll(async () => {
    client.close();
    await members.stop();
  });

  function indexOf(endpoint: string): number {
    return members.endpoints.indexOf(endpoint);
  }

  /** The member that a follower watches, once it watches one. */
  async function watched(follower: SourceFollower): Promise<number> {
    let endpoint = "";
    await follower.until(() => {
      const { status } = follower.source;
      if (status.state === "live") endpoint = status.endpoint;
      return endpoint !== "";
    }, "live");
    return indexOf(endpoint);
  }

  test("reads thousands of keys while they change, then follows puts, deletes and whole ranges", async () => {
    for (let from = 0; from < 3_000; from += 100) {
      const success = Array.from({ length: 100 }, (_, i) => ({
        request: {
          case: "requestPut" as const,
          value: { key: Buffer.from(`/m/${from + i}`), value: Buffer.from("x".repeat(200)) },
        },
      }));
      await client.unary(KV.method.txn, { success });
    }
    const follower = new SourceFollower(members.endpoints, { timing: TIMING });
    try {
      for (let i = 0; i < 50; i++) await put(client, `/m/${i * 60}`, `changed ${i}`);
      await same(follower, client);
      await deleteRange(client, "/m/1", { end: "/m/2" });
      await put(client, "/m/1", "again");
      await same(follower, client);
      await follower.until(() => follower.outputs.some((o) => o.kind === "confirmed"), "freshness");
      expect(follower.resets).toBe(1);
    } finally {
      await follower.stop();
    }
  });

  test("goes on where it was left, by each change since", async () => {
    await put(client, "/m/left", "before");
    const before = new SourceFollower(members.endpoints, { timing: TIMING });
    await same(before, client);
    const left = before.source.followed as KnownSource;
    await before.stop();
    await put(client, "/m/left", "between");
    await put(client, "/m/left", "before");
    const follower = new SourceFollower(members.endpoints, { timing: TIMING, held: () => left });
    try {
      await same(follower, client);
      const heard = follower.outputs.flatMap((o) => (o.kind === "batch" ? o.events : []));
      const values = heard
        .filter(({ key }) => key === "/m/left")
        .map(({ value }) => Buffer.from(value ?? []).toString());
      expect(values).toEqual(["between", "before"]);
      const loads = follower.outputs.flatMap((o) => (o.kind === "load" ? [o.revision] : []));
      expect(new Set(loads)).toEqual(new Set([left.revision]));
    } finally {
      await follower.stop();
    }
  });

  test("goes on at another member when the one it watches is killed", async () => {
    const follower = new SourceFollower(members.endpoints, { timing: TIMING });
    let victim = -1;
    try {
      await same(follower, client);
      victim = await watched(follower);
      await members.child(victim).kill();
      for (let i = 0; i < 20; i++) {
        await electing(() => put(client, `/m/${i}`, "after the loss"));
      }
      await same(follower, client);
      expect(await watched(follower)).not.toBe(victim);
      expect(follower.resets).toBe(1);
    } finally {
      await follower.stop();
      if (victim >= 0) await members.restart(victim);
    }
  }, 60_000);

  test("leaves a member that is paused", async () => {
    const follower = new SourceFollower(members.endpoints, { timing: TIMING });
    let victim = -1;
    try {
      await same(follower, client);
      victim = await watched(follower);
      process.kill(members.child(victim).pid, "SIGSTOP");
      const others = members.endpoints.filter((_, index) => index !== victim);
      const other = new EtcdClient({ endpoints: others, timeoutMs: 15_000 });
      try {
        await electing(() => put(other, "/m/0", "while it was paused"));
        await same(follower, other);
        expect(await watched(follower)).not.toBe(victim);
        expect(follower.resets).toBe(1);
      } finally {
        other.close();
      }
    } finally {
      if (victim >= 0) process.kill(members.child(victim).pid, "SIGCONT");
      await follower.stop();
    }
  }, 60_000);

  test("reads anew where the history that it missed is compacted away", async () => {
    const [target = ""] = members.endpoints;
    const link = await DelayProxy.start({ target, delayMs: 0 });
    const follower = new SourceFollower([link.address], { timing: TIMING });
    try {
      await same(follower, client);
      link.cut("reset");
      await put(client, "/m/0", "while it was away");
      await deleteRange(client, "/m/7");
      const { revision } = await put(client, "/m/8", "newest");
      await client.unary(KV.method.compact, { revision: BigInt(revision) });
      link.heal();
      await same(follower, client);
      expect(follower.resets).toBe(2);
    } finally {
      await follower.stop();
      await link.stop();
    }
  }, 60_000);
});

describe("an etcd that was restored from a snapshot", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atoll-restore-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("is refused, even when its revision has overtaken the old one, until its incarnation is raised", async () => {
    const original = await startEtcd({ members: 1 });
    let known: KnownSource | undefined;
    let lastRevision = 0;
    const snapshot = join(folder, "backup.db");
    const follower = new SourceFollower(original.endpoints, { timing: TIMING });
    try {
      await follower.until(
        () => follower.isWhole && follower.source.followed?.lineage !== undefined,
        "lineage",
      );
      await etcdctlOk(original.endpoints, "put", "/m/1", "before the backup");
      await etcdctlOk(original.endpoints, "snapshot", "save", snapshot);
      await etcdctlOk(original.endpoints, "put", "/m/1", "after the backup");
      const counter = follower.source.followed?.lineage?.counter ?? 0;
      await follower.until(
        () => (follower.source.followed?.lineage?.counter ?? 0) > counter + 2,
        "more lineage",
      );
      known = follower.source.followed;
      lastRevision = follower.revision;
    } finally {
      await follower.stop();
      await original.stop();
    }

    const dataDir = join(folder, "restored");
    await etcdctlOk(
      [],
      "snapshot",
      "restore",
      snapshot,
      "--data-dir",
      join(dataDir, "etcd-0"),
      "--name",
      "etcd-0",
      "--initial-cluster",
      "etcd-0=http://127.0.0.1:1",
      "--initial-advertise-peer-urls",
      "http://127.0.0.1:1",
    );
    const restored = await startEtcd({ members: 1, dataDir });
    const client = new EtcdClient({ endpoints: restored.endpoints });
    const refused = new SourceFollower(restored.endpoints, { timing: TIMING, known });
    const refusal = (): string =>
      refused.source.status.state === "refused" ? refused.source.status.reason : "";
    try {
      await refused.until(() => refusal().includes("it went back"), "a refusal for its revision");
      let revision = 0;
      while (revision <= lastRevision + 10) ({ revision } = await put(client, "/m/2", "busy"));
      await refused.until(() => refusal().includes("its lineage is"), "a refusal for its lineage");
      expect(refused.outputs).toEqual([]);
      const old = known?.incarnation;
      const raised = {
        counter: 2,
        nonce: "d".repeat(32),
        baseRevision: revision,
        parentNonce: old?.nonce ?? "",
      };
      await put(client, INCARNATION_KEY, encodeIncarnation(raised));
      await same(refused, client);
      expect(refused.state.get("/m/1")).toBe("before the backup");
      expect(refused.source.followed?.incarnation).toEqual(raised);
    } finally {
      await refused.stop();
      client.close();
      await restored.stop();
    }
  }, 90_000);
});
