import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { MemberStorage } from "../../../regional/backend/storage.js";
import { AtollError } from "../../../shared/errors.js";
import { workerFile } from "../../../shared/worker.js";
import { confState, makeEntries } from "../log/entries.js";
import { hard, tempDirectory } from "../log/support.js";
import { positionAt } from "./positions.js";
import { meta, row } from "./records.js";
import { loadAll, member, openMember } from "./support.js";

async function append(storage: MemberStorage, first: number, count: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const entries = makeEntries(first, count);
    storage.log.append({ entries, hardState: hard(1, 2, first) }, resolve);
  });
}

/** A member whose log has 10 entries and whose state has applied 8 of them. */
async function usedMember(path: string): Promise<void> {
  const storage = await openMember(path);
  await append(storage, 1, 10);
  storage.backend.write([row(1, "one"), meta("m")], positionAt(8), storage.log.durableIndex);
  await storage.close();
}

async function refusal(path: string): Promise<AtollError> {
  const error = await openMember(path).catch((thrown: unknown) => thrown);
  if (!(error instanceof AtollError)) throw new Error("it was opened");
  expect(error.message).toContain(path);
  return error;
}

describe("a member's storage", () => {
  it("is made where nothing is, and opened again with all it had", async () => {
    const path = join(tempDirectory(), "deep", "down");
    const storage = await openMember(path);
    expect(storage.log.initialState()).toEqual({ hardState: hard(0, 0, 0), confState });
    expect(storage.backend.loaded.index).toBe(0);
    await storage.close();
    expect(JSON.parse(readFileSync(join(path, "VERSION"), "utf8"))).toEqual({
      format: 1,
      cluster: "c1a5",
      member: "3e3b",
    });
    await usedMember(path);
    const again = await openMember(path);
    expect(again.log.lastIndex()).toBe(10);
    expect(again.backend.loaded).toEqual(positionAt(8));
    // What is applied was committed, though the commit index was written before.
    expect(again.log.initialState().hardState).toEqual(hard(1, 2, 8));
    expect(await loadAll(again.backend)).toEqual(["1/0=m", "4/1=one"]);
  });

  it("is refused while another has it, in this process or another", async () => {
    const path = join(tempDirectory(), "data");
    const storage = await openMember(path);
    expect((await refusal(path)).message).toContain("is in use by another process");
    const program = fileURLToPath(workerFile("./member-child.js", import.meta.url));
    const child = spawnSync(process.execPath, [program, path, "1"], { encoding: "utf8" });
    expect(child.status).toBe(1);
    expect(child.stderr).toContain(`the data directory ${path} is in use by another process`);
    await storage.close();
    await storage.close();
    await openMember(path);
  });

  it("is free again as soon as the process that had it is dead", async () => {
    const path = join(tempDirectory(), "data");
    const program = fileURLToPath(workerFile("./member-child.js", import.meta.url));
    const child = spawn(process.execPath, [program, path, "1"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    expect((await refusal(path)).message).toContain("in use");
    child.kill("SIGKILL");
    await once(child, "exit");
    await openMember(path);
  });

  it("is refused to another member, cluster or format, by name", async () => {
    const path = join(tempDirectory(), "data");
    await usedMember(path);
    await expect(openMember(path, { ...member, memberId: 5 })).rejects.toThrow(
      `${join(path, "VERSION")} says member 3e3b, but this is member 5`,
    );
    await expect(openMember(path, { ...member, clusterId: 6n })).rejects.toThrow(
      "says cluster c1a5, but this is cluster 6",
    );
    const version = join(path, "VERSION");
    const content = readFileSync(version, "utf8");
    writeFileSync(version, content.replace('"format":1', '"format":2'));
    expect((await refusal(path)).message).toContain("says format 2; this program reads format 1");
    writeFileSync(version, "one");
    expect((await refusal(path)).message).toContain("can't be read as");
    writeFileSync(version, content);
    await openMember(path);
  });

  it("is refused where no directory can be", async () => {
    const path = join(tempDirectory(), "file");
    writeFileSync(path, "");
    expect((await refusal(path)).message).toContain(`can't make the data directory ${path}`);
  });

  it("is refused when the log is gone, or the VERSION of a used one", async () => {
    const path = join(tempDirectory(), "data");
    await usedMember(path);
    renameSync(join(path, "log.db"), join(path, "away"));
    expect((await refusal(path)).message).toContain("log.db is missing: a vote may be forgotten");
    writeFileSync(join(path, "log.db"), "");
    expect((await refusal(path)).message).toContain("is empty, but was used before");
    renameSync(join(path, "away"), join(path, "log.db"));
    rmSync(join(path, "VERSION"));
    expect((await refusal(path)).message).toContain("has been used, but VERSION is missing");
    rmSync(join(path, "log.db"));
    expect((await refusal(path)).message).toMatch(
      /state\.db holds state through 8, but .*log\.db ends at 0/,
    );
  });

  it("goes on where a first start was killed before VERSION was written", async () => {
    const path = join(tempDirectory(), "data");
    await (await openMember(path)).close();
    rmSync(join(path, "VERSION"));
    await (await openMember(path)).close();
    expect(existsSync(join(path, "VERSION"))).toBe(true);
  });

  it("replays the log into new state, unless the log was cut", async () => {
    const path = join(tempDirectory(), "data");
    await usedMember(path);
    rmSync(join(path, "state.db"));
    const storage = await openMember(path);
    expect(storage.backend.loaded.index).toBe(0);
    expect(storage.log.firstIndex()).toBe(1);
    storage.backend.write([meta("m")], positionAt(8), 10);
    storage.log.compact(await storage.backend.checkpoint());
    await storage.close();
    rmSync(join(path, "state.db"));
    expect((await refusal(path)).message).toMatch(
      /state\.db holds state through 0, but .*log\.db begins after 8/,
    );
  });

  it("is refused when log and state are of different histories", async () => {
    const path = join(tempDirectory(), "data");
    await usedMember(path);
    const storage = await openMember(path);
    storage.backend.write([meta("m")], positionAt(9, 7), 10);
    await storage.close();
    expect((await refusal(path)).message).toMatch(
      /state\.db holds entry 9 of term 7, .*log\.db that of term 1/,
    );
  });

  it("survives kills with state that its log holds, never past it", async () => {
    const path = join(tempDirectory(), "data");
    const program = fileURLToPath(workerFile("./member-child.js", import.meta.url));
    let index = 0;
    for (let kill = 0; kill < 8; kill++) {
      const child = spawn(process.execPath, [program, path, String(kill)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      // The child says "index" each time that a checkpoint is complete.
      let durable = 0;
      let lines = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        const numbers = chunk.toString().trim().split("\n").map(Number);
        durable = Math.max(durable, ...numbers);
        lines += numbers.length;
        if (lines > 2 + kill) child.kill("SIGKILL");
      });
      await once(child, "close");
      const storage = await openMember(path);
      const applied = storage.backend.loaded.index;
      expect(applied).toBeGreaterThanOrEqual(durable);
      expect(applied).toBeLessThanOrEqual(storage.log.lastIndex());
      expect(applied).toBeGreaterThanOrEqual(storage.log.base.index);
      const records = await loadAll(storage.backend);
      const expected = Array.from({ length: Math.min(applied, 50) }, (_, i) => {
        const at = applied - i;
        return `4/${at % 50}=${at}`;
      });
      expect(records.sort()).toEqual([`1/0=${applied}`, ...expected].sort());
      await storage.close();
      expect(applied).toBeGreaterThan(index);
      index = applied;
    }
  }, 60_000);
});
