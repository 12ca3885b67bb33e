import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test } from "vitest";
import { readPosition } from "../../regional/backend/state-file.js";
import { BACKEND_LINGER_MS } from "../../shared/limits.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { DiskFault, logFiles } from "./disk-fault.js";
import { leaderIndex } from "./leader.js";
import { eventually, metric } from "./metric.js";
import { expectNothingLost, Writers } from "./writers.js";

/**
 * Members whose log's thread hangs in an fsync, as on a disk that has stalled: the process
 * itself, its sockets and its heartbeats go on.
 */
/** Longer than any of these tests lets it last. */
const STALL = "fdatasync,fsync:delay_enter=60s";

let region: Region;
let faults: DiskFault[] = [];
/** All stalls end; what waits is written. */
async function letGo(): Promise<void> {
  await Promise.all(faults.map((fault) => fault.end()));
  faults = [];
}

afterEach(async () => {
  await letGo();
  await region?.stop();
});

async function stall(index: number): Promise<void> {
  const member = region.members[index];
  const files = logFiles(member?.dataDir ?? "");
  faults.push(await DiskFault.on(region.child(index).pid, files, STALL));
}

const read = (index: number, name: string): Promise<number> =>
  metric(region.members[index]?.http ?? "", `atoll_regional_${name}`);

test("a leader whose disk stalls hands over to a member whose disk is well, and writes go on", async () => {
  region = await startRegion({ members: 3 });
  const writers = new Writers(region.endpoints);
  try {
    await writers.more(200);
    const sick = await leaderIndex(region.endpoints);
    writers.restartClock();
    const begunMs = performance.now();
    await stall(sick);
    await eventually(async () => (await read(sick, "is_leader")) === 0, "it leads no more");
    const tookMs = performance.now() - begunMs;
    await writers.more(200);
    expect(await leaderIndex(region.endpoints)).not.toBe(sick);
    expect(await read(sick, "disk_handovers_total")).toBe(1);
    expect(region.child(sick).output()).toContain("the log's disk is stuck; handing over");
    const healthy = (sick + 1) % 3;
    await eventually(
      async () => (await read(healthy, "peer_disk_pending_seconds")) > 1,
      "the others know of it",
    );
    process.stdout.write(
      `led on for ${tookMs.toFixed(0)} ms; longest time without an acknowledged write ` +
        `${writers.longestGapMs.toFixed(0)} ms\n`,
    );
  } finally {
    await letGo();
    await writers.stop();
  }
  await expectNothingLost(region.endpoints, writers.acknowledged);
});

// A machine that is short of time may well let a leader lose its followers for a second.
const BUSY_MACHINE = { retry: 2 };

test("when all disks stall at once the leader stays, and all goes on", BUSY_MACHINE, async () => {
  region = await startRegion({ members: 3 });
  const writers = new Writers(region.endpoints);
  try {
    await writers.more(100);
    const leader = await leaderIndex(region.endpoints);
    await Promise.all([0, 1, 2].map((index) => stall(index)));
    const stuck = async (index: number): Promise<boolean> =>
      (await read(index, "log_oldest_pending_seconds")) > 4;
    await eventually(async () => {
      const all = await Promise.all([0, 1, 2].map(stuck));
      return all.every(Boolean);
    }, "all wait for more than four election timeouts");
    expect(await read(leader, "is_leader")).toBe(1);
    await letGo();
    await writers.more(100);
    for (const index of [0, 1, 2]) {
      expect(await read(index, "disk_handovers_total")).toBe(0);
      expect(region.child(index).output()).toContain("the log's disk is stuck");
    }
  } finally {
    await writers.stop();
  }
  await expectNothingLost(region.endpoints, writers.acknowledged);
});

test("nothing is applied or written as state before the log has it on its disk", async () => {
  region = await startRegion({ members: 3 });
  const writers = new Writers(region.endpoints);
  try {
    await writers.more(100);
    const leader = await leaderIndex(region.endpoints);
    const sick = (leader + 1) % 3;
    await stall(sick);
    const waitedFor = async () => (await read(sick, "log_oldest_pending_seconds")) > 0.5;
    await eventually(waitedFor, "its appends wait");
    const durable = await read(sick, "log_durable_index");
    await writers.more(300);
    // A leader whose log grows for long sends a snapshot, which replaces log and state together.
    await writers.stop();
    await new Promise((resolve) => setTimeout(resolve, 10 * BACKEND_LINGER_MS));
    expect(await read(leader, "applied_index")).toBeGreaterThan(durable + 100);
    expect(await read(sick, "log_durable_index")).toBe(durable);
    expect(await read(sick, "applied_index")).toBeLessThanOrEqual(durable);
    const path = join(region.members[sick]?.dataDir ?? "", "state.db");
    const db = new Database(path, { readonly: true });
    const written = readPosition(db, path)?.index ?? 0;
    db.close();
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(durable);
    await letGo();
    await region.child(sick).kill();
    await region.restart(sick);
  } finally {
    await writers.stop();
  }
  await expectNothingLost(region.endpoints, writers.acknowledged);
});
