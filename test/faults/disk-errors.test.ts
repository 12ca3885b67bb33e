import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { peerTool } from "../peers/tools.js";
import { DiskFault, logFiles } from "./disk-fault.js";
import { leaderIndex } from "./leader.js";
import { expectNothingLost, Writers } from "./writers.js";

/** Members whose disk fails, or whose files are damaged or gone: they end, and say which and why. */
let region: Region;
/** What members are started by from now on. */
let wrapper: readonly string[];
beforeEach(async () => {
  wrapper = [];
  region = await startRegion({ members: 3, wrapper: () => wrapper });
});
afterEach(() => region?.stop());

const dataDir = (index: number): string => region.members[index]?.dataDir ?? "";

/** Starts a member that must not come up; gives what it says. */
async function refusal(index: number): Promise<string> {
  await expect(region.restart(index)).rejects.toThrow("ended with 1");
  return region.child(index).output();
}

async function goesOn(without: number): Promise<void> {
  const others = region.endpoints.filter((_, index) => index !== without);
  const client = new EtcdClient({ endpoints: others, timeoutMs: 20_000 });
  await put(client, "still", "here");
  expect((await get(client, "still")).kv).toBeDefined();
  client.close();
}

describe("a member ends with a message that names file and cause", () => {
  test("when its log can't be synced, while the others go on and lose nothing", async () => {
    const writers = new Writers(region.endpoints);
    const sick = await leaderIndex(region.endpoints);
    try {
      await writers.more(100);
      const files = logFiles(dataDir(sick));
      const child = region.child(sick);
      const fault = await DiskFault.on(child.pid, files, "fdatasync,fsync:error=EIO");
      await child.exited;
      await fault.end();
      expect(child.exitCode).toBe(1);
      expect(child.output()).toContain(
        `can't write the log ${dataDir(sick)}/log.db: disk I/O error (SQLITE_IOERR_FSYNC)`,
      );
      await writers.more(100);
      await region.restart(sick);
    } finally {
      await writers.stop();
    }
    await expectNothingLost(region.endpoints, writers.acknowledged);
  });

  test("when its state database can't be written", async () => {
    const writers = new Writers(region.endpoints);
    const sick = 1;
    try {
      const files = ["state.db", "state.db-wal"].map((name) => join(dataDir(sick), name));
      const child = region.child(sick);
      const fault = await DiskFault.on(child.pid, files, "pwrite64:error=EIO");
      await child.exited;
      await fault.end();
      expect(child.exitCode).toBe(1);
      expect(child.output()).toContain(
        `can't write the state database ${dataDir(sick)}/state.db: disk I/O error (SQLITE_IOERR_WRITE)`,
      );
      await writers.more(100);
      await region.restart(sick);
    } finally {
      await writers.stop();
    }
    await expectNothingLost(region.endpoints, writers.acknowledged);
  });

  test("when its log can't be read", async () => {
    await region.child(0).stop();
    const strace = await peerTool("strace");
    const inject = ["-e", "trace=pread64", "-e", "inject=pread64:error=EIO", "-o", "/dev/null"];
    wrapper = [strace.path, "-D", "-f", "-P", join(dataDir(0), "log.db"), ...inject];
    const said = await refusal(0);
    expect(said).toMatch(/the log .*member-0\/log\.db: disk I\/O error \(SQLITE_IOERR_\w+\)/);
    await goesOn(0);
  });
});

describe("a member doesn't start, and says what to do", () => {
  test("when a bit of its log has flipped: the entry is named", async () => {
    const client = new EtcdClient({ endpoints: region.endpoints });
    await put(client, "k", "a value that is in the log once");
    client.close();
    await region.child(0).stop();
    const file = join(dataDir(0), "log.db");
    const bytes = readFileSync(file);
    const at = bytes.indexOf("a value that is in the log once");
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file, bytes);
    const said = await refusal(0);
    expect(said).toMatch(
      /the log .*log\.db is corrupt: entry \d+: its checksum is [0-9a-f]+, the row says [0-9a-f]+; this member must rejoin as a new one/,
    );
    await goesOn(0);
  });

  test("when its log is gone, but its state is there", async () => {
    const client = new EtcdClient({ endpoints: region.endpoints });
    await put(client, "k", "v");
    client.close();
    await region.child(2).stop();
    rmSync(join(dataDir(2), "log.db"));
    const said = await refusal(2);
    expect(said).toContain(`${join(dataDir(2), "log.db")} is missing: a vote may be forgotten`);
    expect(said).toContain("this member must rejoin as a new one, with an empty directory");
    await goesOn(2);
  });
});
