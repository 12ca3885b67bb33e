import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { LOG_COMPACTION_STEP_ENTRIES, LOG_MARGIN_ENTRIES } from "../../shared/limits.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex } from "./leader.js";
import { metric } from "./metric.js";

/**
 * A member that fell behind a state of 100 MB is killed in the middle of the snapshot, and
 * its sender leads on meanwhile. The next life goes on where the first one ended: what is on
 * disk is not sent again.
 */
const VALUE = Buffer.alloc(16 * 1024, "x");
const PUTS = LOG_MARGIN_ENTRIES + 2 * LOG_COMPACTION_STEP_ENTRIES;
const MEBIBYTE = 1024 * 1024;
const RATE = 8 * MEBIBYTE;
const PREFIX = "atoll_regional_";

let region: Region;
let client: EtcdClient;
beforeAll(async () => {
  region = await startRegion({ members: 3, args: ["--snapshot-rate", String(RATE)] });
});
afterAll(async () => {
  client?.close();
  await region?.stop();
});

function read(index: number, name: string): Promise<number> {
  return metric(region.members[index]?.http ?? "", PREFIX + name);
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await isTrue())) {
    if (Date.now() > giveUpAt) throw new Error(`waited 60 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("a snapshot that broke off is resumed by the next life of its receiver", async () => {
  const leader = await leaderIndex(region.endpoints);
  const behind = (leader + 1) % 3;
  const others = region.endpoints.filter((_, index) => index !== behind);
  client = new EtcdClient({ endpoints: others });
  await region.child(behind).kill();
  const { length } = VALUE;
  let next = 0;
  const writers = Array.from({ length: 32 }, async () => {
    while (next < PUTS) await put(client, `k${next++}`, VALUE, { timeoutMs: 30_000 });
  });
  await Promise.all(writers);
  await until("the log to be cut", async () => (await read(leader, "log_compactions_total")) > 0);
  const [term, changes] = [await read(leader, "term"), await read(leader, "leader_changes_total")];

  const firstLife = region.restart(behind).catch(() => "killed");
  await until("a third of the snapshot", async () => {
    return (await read(behind, "snapshot_received_bytes_total")) > (PUTS * length) / 3;
  });
  const before = await read(behind, "snapshot_received_bytes_total");
  await region.child(behind).kill();
  expect(await firstLife).toBe("killed");

  // The sender notices, and goes on leading and serving.
  await until(
    "the broken transfer",
    async () => (await read(leader, "snapshots_failed_total")) > 0,
  );
  await put(client, "meanwhile", "x", { timeoutMs: 30_000 });

  await region.restart(behind);
  const resumed = await read(behind, "snapshot_received_resumed_bytes_total");
  const received = await read(behind, "snapshot_received_bytes_total");
  const sent = await read(leader, "snapshot_sent_bytes_total");
  expect(await read(behind, "snapshots_installed_total")).toBe(1);
  expect(resumed).toBeGreaterThanOrEqual(before - MEBIBYTE);
  expect(await read(leader, "snapshot_sent_resumed_bytes_total")).toBe(resumed);
  // Each byte was received once, and sent once but for what was in buffers at the kill.
  const size = received + resumed;
  expect(size).toBeGreaterThan(PUTS * length);
  expect(sent).toBeGreaterThanOrEqual(size);
  expect(sent).toBeLessThan(size + 16 * MEBIBYTE);
  expect(await read(leader, "snapshot_throttled_seconds_total")).toBeGreaterThan(1);
  // It has been leading all the time.
  expect(await leaderIndex(region.endpoints)).toBe(leader);
  expect(await read(leader, "term")).toBe(term);
  expect(await read(leader, "leader_changes_total")).toBe(changes);
  await until("the member to be level", async () => {
    return (await read(behind, "applied_index")) === (await read(leader, "applied_index"));
  });
  expect(await read(behind, "keys")).toBe(PUTS + 1);
}, 180_000);
