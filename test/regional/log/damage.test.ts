import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkWal } from "../../../regional/log/wal-check.js";
import { AtollError, errorText } from "../../../shared/errors.js";
import { seededRandom } from "../../../shared/random.js";
import { makeEntries } from "./entries.js";
import { hard, openFile, readContents, rowOf, tempDirectory } from "./support.js";

const PAGE_BYTES = 4096;
const FRAME_BYTES = 24 + PAGE_BYTES;

/** Copies of a log and its write-ahead log as a kill would leave them: nothing checkpointed. */
function killedLog(directory: string, appends: number, padding = 200): string {
  const path = join(directory, "log.db");
  const { file } = openFile(path);
  for (let i = 0; i < appends; i++) {
    file.append([rowOf(makeEntries(1 + i * 3, 3, 1, padding), i + 1, hard(1, 2, i * 3))]);
  }
  const killed = join(directory, "killed.db");
  copyFileSync(path, killed);
  copyFileSync(`${path}-wal`, `${killed}-wal`);
  file.close();
  return killed;
}

function flip(file: string, at: number, mask: number): void {
  const byte = readFileSync(file)[at] as number;
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.from([byte ^ mask]), 0, 1, at);
  closeSync(fd);
}

function copyTo(from: string, to: string): void {
  rmSync(`${to}-wal`, { force: true });
  copyFileSync(from, to);
  copyFileSync(`${from}-wal`, `${to}-wal`);
}

describe("damage to the log", () => {
  it("is found wherever a byte of the database changes, or changes nothing", () => {
    const directory = tempDirectory();
    const path = join(directory, "log.db");
    const { file } = openFile(path);
    for (let i = 0; i < 60; i++) {
      file.append([rowOf(makeEntries(1 + i * 3, 3, 1, i * 40), i + 1, hard(1, 2, i * 3))]);
    }
    file.close();
    const good = readFileSync(path);
    const expected = readContents(path);
    const random = seededRandom(7);
    let found = 0;
    for (let i = 0; i < 400; i++) {
      const at = random.int(good.length);
      const mask = 1 + random.int(255);
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ mask;
      rmSync(`${path}-wal`, { force: true });
      writeFileSync(path, bad);
      try {
        expect(readContents(path), `byte ${at} ^ ${mask}`).toEqual(expected);
      } catch (error) {
        if (!(error instanceof AtollError)) throw error;
        expect(errorText(error)).toContain(path);
        found++;
      }
    }
    expect(found).toBeGreaterThan(200);
  });

  it("is found in the write-ahead log before its last transaction", () => {
    const directory = tempDirectory();
    const killed = killedLog(directory, 40);
    const copy = join(directory, "copy.db");
    copyTo(killed, copy);
    const expected = readContents(copy);
    expect(expected.entries).toHaveLength(120);
    const wal = readFileSync(`${killed}-wal`);
    const random = seededRandom(11);
    let found = 0;
    for (let i = 0; i < 300; i++) {
      const at = i < 32 ? i : random.int(wal.length);
      copyTo(killed, copy);
      flip(`${copy}-wal`, at, 1 << random.int(8));
      try {
        const { entries } = readContents(copy);
        // Only the last transaction may be taken for one that was cut short.
        expect(entries, `byte ${at}`).toEqual(expected.entries.slice(0, entries.length));
        expect(entries.length, `byte ${at} of ${wal.length}`).toBeGreaterThanOrEqual(117);
      } catch (error) {
        if (!(error instanceof AtollError)) throw error;
        expect(error.code).toBe("DATA_LOSS");
        expect(error.message).toMatch(/copy\.db-wal is corrupt: .*synced transactions follow/);
        found++;
      }
    }
    expect(found).toBeGreaterThan(250);
  });

  it("is told from a write that was cut short, at every length", () => {
    const directory = tempDirectory();
    const killed = killedLog(directory, 12, 3000);
    const copy = join(directory, "copy.db");
    const size = readFileSync(`${killed}-wal`).length;
    let before = -1;
    const step = FRAME_BYTES / 4;
    for (let length = size % step; length <= size; length += step) {
      copyTo(killed, copy);
      truncateSync(`${copy}-wal`, length);
      const { entries } = readContents(copy);
      expect(entries.length % 3).toBe(0);
      expect(entries.length).toBeGreaterThanOrEqual(Math.max(0, before));
      before = entries.length;
    }
    expect(before).toBe(36);
  });

  it("is not seen in what an earlier generation of the write-ahead log left behind", () => {
    const directory = tempDirectory();
    const path = join(directory, "log.db");
    const { file } = openFile(path);
    const append = (i: number): void =>
      file.append([rowOf(makeEntries(i, 1, 1, 500), i, hard(1, 2, 0))]);
    for (let i = 1; i <= 30; i++) append(i);
    file.checkpoint();
    for (let i = 31; i <= 35; i++) append(i);
    checkWal(path, PAGE_BYTES);
    const copy = join(directory, "copy.db");
    copyTo(path, copy);
    file.close();
    expect(readContents(copy).entries).toHaveLength(35);
  });
});
