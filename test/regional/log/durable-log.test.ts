import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { DurableLog, type LogOptions } from "../../../regional/log/durable-log.js";
import type { Entry, HardState } from "../../../regional/raft/types.js";
import { Deferred } from "../../../shared/deferred.js";
import { AtollError } from "../../../shared/errors.js";
import { workerFile } from "../../../shared/worker.js";
import { confState, identity, initial, makeEntries } from "./entries.js";
import { describeEntry, hard, tempDirectory } from "./support.js";

const ALL = Number.MAX_SAFE_INTEGER;

async function open(path: string, more: Partial<LogOptions> = {}): Promise<DurableLog> {
  const hooks = {
    onFailure: (error: AtollError) => {
      throw error;
    },
  };
  const log = await DurableLog.open({ path, identity, initial, create: true, hooks, ...more });
  onTestFinished(() => log.close());
  return log;
}

function append(log: DurableLog, entries: Entry[], hardState: HardState | null): Promise<void> {
  return new Promise((resolve) => log.append({ entries, hardState }, resolve));
}

function contents(log: DurableLog): string[] {
  const lo = log.firstIndex();
  return (log.entries(lo, log.lastIndex() + 1, ALL) ?? []).map(describeEntry);
}

const texts = (entries: Entry[]): string[] => entries.map(describeEntry);

describe("the durable log", () => {
  it("shows an append at once, reports it when it is durable, and has it after a restart", async () => {
    const path = join(tempDirectory(), "log.db");
    const log = await open(path);
    expect(log.initialState()).toEqual({ hardState: hard(0, 0, 0), confState });
    const entries = makeEntries(1, 3);
    const done = append(log, entries, hard(1, 2, 0));
    expect(contents(log)).toEqual(texts(entries));
    expect(log.durableIndex).toBe(0);
    expect(log.pendingBytes).toBeGreaterThan(0);
    await done;
    expect(log.durableIndex).toBe(3);
    expect(log.pendingBytes).toBe(0);
    expect(log.retainedBytes).toBe(entries.reduce((sum, e) => sum + e.data.length, 0));
    await log.close();
    const again = await open(path);
    expect(contents(again)).toEqual(texts(entries));
    expect(again.durableIndex).toBe(3);
    expect(again.term(3)).toBe(1);
    expect(again.term(4)).toBeUndefined();
    expect(again.initialState().hardState).toEqual(hard(1, 2, 0));
  });

  it("reports in order, and joins what waits into few transactions", async () => {
    let transactions = 0;
    const hooks = {
      onFailure: (error: AtollError) => {
        throw error;
      },
      onSync: () => {
        transactions++;
      },
    };
    const log = await open(join(tempDirectory(), "log.db"), { hooks });
    const order: number[] = [];
    const all = Array.from({ length: 500 }, (_, i) =>
      append(log, makeEntries(i + 1, 1), hard(1, 1, i)).then(() => order.push(i)),
    );
    await Promise.all(all);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(log.durableIndex).toBe(500);
    expect(transactions).toBeLessThan(250);
  });

  it("replaces a conflicting suffix, which then no longer counts as durable", async () => {
    const path = join(tempDirectory(), "log.db");
    const log = await open(path);
    await append(log, makeEntries(1, 10), hard(1, 1, 2));
    const first = append(log, makeEntries(11, 5), null);
    const newer = makeEntries(7, 2, 2);
    const second = append(log, newer, hard(2, 0, 6));
    expect(log.durableIndex).toBe(6);
    await Promise.all([first, second]);
    expect(log.durableIndex).toBe(8);
    const expected = texts([...makeEntries(1, 6), ...newer]);
    expect(contents(log)).toEqual(expected);
    await log.close();
    expect(contents(await open(path))).toEqual(expected);
  });

  it("lets a commit index ride along, and writes it at the close", async () => {
    const path = join(tempDirectory(), "log.db");
    let transactions = 0;
    const hooks = { onFailure: () => undefined, onSync: () => void transactions++ };
    const log = await open(path, { hooks });
    await append(log, makeEntries(1, 4), hard(3, 1, 0));
    await append(log, [], hard(3, 1, 4));
    await append(log, [], null);
    expect(transactions).toBe(1);
    await append(log, [], hard(4, 0, 4));
    expect(transactions).toBe(2);
    await append(log, makeEntries(5, 1, 4), null);
    await append(log, [], hard(4, 0, 5));
    await log.close();
    expect((await open(path)).initialState().hardState).toEqual(hard(4, 0, 5));
  });

  it("cuts entries to bytes, at least one, and none that are compacted", async () => {
    const path = join(tempDirectory(), "log.db");
    const log = await open(path);
    await append(log, makeEntries(1, 10), hard(1, 1, 10));
    expect(log.entries(2, 8, 0)).toHaveLength(1);
    log.compact(4);
    expect(log.firstIndex()).toBe(5);
    expect(log.base).toEqual({ index: 4, term: 1 });
    expect(log.term(4)).toBe(1);
    expect(log.term(3)).toBeUndefined();
    expect(log.entries(4, 6, ALL)).toBeUndefined();
    expect(() => log.entries(5, 12, ALL)).toThrow("the log ends at 10");
    log.compact(3);
    expect(log.firstIndex()).toBe(5);
    expect(() => log.compact(11)).toThrow("durable through 10");
    await log.close();
    const again = await open(path);
    expect(again.firstIndex()).toBe(5);
    expect(contents(again)).toEqual(texts(makeEntries(5, 6)));
  });

  it("goes on from a snapshot's position after a reset", async () => {
    const path = join(tempDirectory(), "log.db");
    const log = await open(path);
    await append(log, makeEntries(1, 10), hard(2, 3, 5));
    const other = { ...confState, voters: [1, 2] };
    const reset = log.reset({ index: 50, term: 4, confState: other });
    await append(log, makeEntries(51, 2, 4), hard(4, 0, 50));
    await reset;
    expect(log.durableIndex).toBe(52);
    expect(log.firstIndex()).toBe(51);
    await log.close();
    const again = await open(path);
    expect(contents(again)).toEqual(texts(makeEntries(51, 2, 4)));
    expect(again.base).toEqual({ index: 50, term: 4 });
    expect(again.initialState()).toEqual({ hardState: hard(4, 0, 50), confState: other });
  });

  it("raises the hard state to the position at a reset, and drops the vote of an older term", async () => {
    const log = await open(join(tempDirectory(), "log.db"));
    await append(log, [], hard(2, 3, 0));
    await log.reset({ index: 9, term: 2, confState });
    expect(log.initialState().hardState).toEqual(hard(2, 3, 9));
    await log.reset({ index: 12, term: 5, confState });
    expect(log.initialState().hardState).toEqual(hard(5, 0, 12));
  });

  it("starts from the applied position's membership and commit", async () => {
    const log = await open(join(tempDirectory(), "log.db"));
    await append(log, makeEntries(1, 5), hard(1, 1, 2));
    const other = { ...confState, learners: [4] };
    log.startFrom({ index: 4, term: 1, confState: other });
    expect(log.initialState()).toEqual({ hardState: hard(1, 1, 4), confState: other });
  });

  it("says how long the oldest append has waited", async () => {
    let now = 100;
    const clock = { monotonicMs: () => now, wallMs: () => 0 };
    const log = await open(join(tempDirectory(), "log.db"), { clock });
    expect(log.oldestPendingMs()).toBe(0);
    const done = append(log, makeEntries(1, 1), hard(1, 1, 0));
    now = 175;
    expect(log.oldestPendingMs()).toBe(75);
    await done;
    expect(log.oldestPendingMs()).toBe(0);
  });

  it("asks its snapshot source", async () => {
    const log = await open(join(tempDirectory(), "log.db"));
    expect(log.snapshot()).toBeUndefined();
    const snapshot = { data: new Uint8Array(1), metadata: initial };
    log.setSnapshotSource(() => snapshot);
    expect(log.snapshot()).toBe(snapshot);
  });

  it("refuses a damaged file by name", async () => {
    const path = join(tempDirectory(), "log.db");
    copyFileSync(fileURLToPath(import.meta.url), path);
    const error = await open(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AtollError);
    expect(error).toMatchObject({ code: "DATA_LOSS" });
    expect(String(error)).toContain(`can't open the log ${path}: file is not a database`);
  });

  it("refuses a file that is in use, and a directory that isn't there", async () => {
    const directory = tempDirectory();
    const path = join(directory, "log.db");
    await open(path);
    await expect(open(path)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringContaining(`can't open the log ${path}: database is locked`),
    });
    await expect(open(join(directory, "none", "log.db"))).rejects.toThrow("can't open the log");
  });

  it("fails once, by name and cause, when the disk has no room, and confirms nothing after", () => {
    const path = join(tempDirectory(), "log.db");
    const program = fileURLToPath(workerFile("./full-disk-child.js", import.meta.url));
    // A limit on file sizes stands in for a full disk; Node ignores the signal that comes with it.
    const script = `ulimit -f 400 && exec "${process.execPath}" "${program}" "${path}"`;
    const child = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    expect(child.stderr).toBe("");
    const [appends, failures, rejected, closed] = child.stdout.trim().split("\n");
    expect(Number(appends)).toBeGreaterThan(2);
    expect(failures).toMatch(
      /^1 (RESOURCE_EXHAUSTED|INTERNAL): can't write the log .*log\.db: .*\(SQLITE_(FULL|IOERR_WRITE)\)$/,
    );
    expect(rejected).toContain("can't write the log");
    expect(closed).toBe("closed");
  });

  it("waits at the close for what is queued", async () => {
    const path = join(tempDirectory(), "log.db");
    const log = await open(path);
    const last = new Deferred<void>();
    for (let i = 1; i <= 50; i++) {
      log.append({ entries: makeEntries(i, 1), hardState: hard(1, 1, 0) }, () => {
        if (i === 50) last.resolve();
      });
    }
    await log.close();
    await last.promise;
    log.append({ entries: makeEntries(51, 1), hardState: null }, () => last.reject("too late"));
    expect((await open(path)).lastIndex()).toBe(50);
  });
});
