import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { StateFile } from "../../../regional/backend/state-file.js";
import type { BackendRecord } from "../../../regional/store/records.js";
import { Deferred } from "../../../shared/deferred.js";
import { AtollError } from "../../../shared/errors.js";
import { MAX_BACKEND_QUEUE_BYTES } from "../../../shared/limits.js";
import { workerFile } from "../../../shared/worker.js";
import { identity } from "../log/entries.js";
import { tempDirectory } from "../log/support.js";
import { positionAt } from "./positions.js";
import { lease, meta, row } from "./records.js";
import { loadAll, openBackend } from "./support.js";

function place(): string {
  return join(tempDirectory(), "state.db");
}

describe("the backend", () => {
  it("is empty at first, and has after a restart what was written", async () => {
    const path = place();
    const backend = await openBackend(path);
    expect(backend.loaded.index).toBe(0);
    expect(await loadAll(backend)).toEqual([]);
    backend.write([row(1, "a"), row(2, "b"), lease(9, "nine"), meta("m1")], positionAt(1), 5);
    backend.write([row(1, null), row(3, "c"), meta("m2")], positionAt(4, 2), 5);
    await backend.close();
    const again = await openBackend(path);
    expect(again.loaded).toEqual(positionAt(4, 2));
    expect(again.durableAppliedIndex).toBe(4);
    expect(await loadAll(again)).toEqual(["1/0=m2", "3/0x0000000000000009=nine", "4/2=b", "4/3=c"]);
  });

  it("joins what waits into one transaction, with the newest meta record only", async () => {
    const writes: number[] = [];
    const backend = await openBackend(place(), { onWrite: (_, records) => writes.push(records) });
    for (let i = 1; i <= 100; i++) backend.write([row(i, "x"), meta(`m${i}`)], positionAt(i), i);
    expect(backend.pendingBytes).toBeGreaterThan(0);
    expect(await backend.checkpoint()).toBe(100);
    expect(backend.pendingBytes).toBe(0);
    expect(writes).toEqual([101]);
  });

  it("writes what lingers without being asked", async () => {
    const written = new Deferred<number>();
    const path = place();
    const backend = await openBackend(path, { onWrite: (_, records) => written.resolve(records) });
    backend.write([row(1, "x")], positionAt(1), 1);
    expect(await written.promise).toBe(1);
    expect(backend.durableAppliedIndex).toBe(0);
    expect(backend.size.inUse).toBeGreaterThan(0);
    expect(backend.size.total).toBeGreaterThanOrEqual(backend.size.inUse);
  });

  it("never takes state that the log doesn't hold durably, or that goes back", async () => {
    const backend = await openBackend(place());
    expect(() => backend.write([], positionAt(7), 6)).toThrow(
      "state through 7, the log is durable through 6",
    );
    backend.write([meta("m")], positionAt(5), 6);
    expect(() => backend.write([], positionAt(4), 6)).toThrow("state through 4 after 5");
  });

  it("loads many records in order, in pieces", async () => {
    const path = place();
    const backend = await openBackend(path);
    const text = "v".repeat(300);
    for (let i = 0; i < 20; i++) {
      const records: BackendRecord[] = Array.from({ length: 1000 }, (_, k) =>
        row(i * 1000 + k, text),
      );
      backend.write(records, positionAt(i + 1), 100);
    }
    await backend.close();
    const again = await openBackend(path);
    let expected = 0;
    let pieces = 0;
    for await (const records of again.load()) {
      pieces++;
      for (const { key, value } of records) {
        expect(key).toBe(expected++);
        expect(value?.length).toBe(300);
      }
    }
    expect(expected).toBe(20_000);
    expect(pieces).toBeGreaterThan(5);
  });

  it("can be written to after a load that was broken off", async () => {
    const path = place();
    const backend = await openBackend(path);
    backend.write(
      Array.from({ length: 9000 }, (_, i) => row(i, "v".repeat(500))),
      positionAt(1),
      1,
    );
    await backend.close();
    const again = await openBackend(path);
    for await (const records of again.load()) {
      expect(records.length).toBeGreaterThan(0);
      break;
    }
    again.write([row(9000, "more")], positionAt(2), 2);
    expect(await again.checkpoint()).toBe(2);
  });

  it("makes an image of at least all that was queued, while writes go on", async () => {
    const path = place();
    const backend = await openBackend(path);
    for (let i = 1; i <= 50; i++) backend.write([row(i, "x".repeat(1000))], positionAt(i), i);
    const file = join(tempDirectory(), "image.db");
    const making = backend.snapshotTo(file);
    for (let i = 51; i <= 80; i++) backend.write([row(i, "y")], positionAt(i), i);
    const image = await making;
    expect(image.file).toBe(file);
    expect(image.position.index).toBeGreaterThanOrEqual(50);
    await backend.checkpoint();
    expect(existsSync(`${file}-wal`)).toBe(false);
    const copy = StateFile.open(file, identity);
    expect(copy.position()).toEqual(image.position);
    let bytes = 0;
    for (const piece of copy.records(1000)) bytes += piece.length;
    expect(bytes).toBeGreaterThan(50_000);
    copy.close();
  });

  it("makes no image without state, or over a file that is there", async () => {
    const backend = await openBackend(place());
    const file = join(tempDirectory(), "image.db");
    await expect(backend.snapshotTo(file)).rejects.toThrow(`${file} has no state yet`);
    backend.write([meta("m")], positionAt(1), 1);
    await expect(backend.snapshotTo(file)).rejects.toThrow(`can't write the image ${file}`);
  });

  it("slows its caller down past the bound, and lets it go on", async () => {
    const backend = await openBackend(place());
    const big = "z".repeat(1024 * 1024);
    let i = 0;
    while (backend.pendingBytes <= MAX_BACKEND_QUEUE_BYTES) {
      backend.write([row(0, big)], positionAt(++i), i);
    }
    await backend.drained();
    expect(backend.pendingBytes).toBeLessThanOrEqual(MAX_BACKEND_QUEUE_BYTES);
    await backend.drained();
  });

  it("refuses a damaged file, and names a damaged record while loading", async () => {
    const path = place();
    writeFileSync(
      path,
      "this is no database, but it is long enough to be taken for one".repeat(20),
    );
    await expect(openBackend(path)).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringContaining(`can't open the state database ${path}`),
    });
    const other = place();
    const backend = await openBackend(other);
    backend.write([row(4, "four")], positionAt(1), 1);
    await backend.close();
    const db = new Database(other);
    db.exec("UPDATE t4 SET crc = crc + 1");
    db.close();
    const failed = new Deferred<AtollError>();
    const again = await openBackend(other, { onFailure: failed.resolve });
    await expect(loadAll(again)).rejects.toThrow("record 4 of table 4: its checksum is wrong");
    expect((await failed.promise).code).toBe("DATA_LOSS");
    await expect(again.checkpoint()).rejects.toThrow("record 4");
    await expect(again.drained()).rejects.toThrow("record 4");
    again.write([row(5, "five")], positionAt(2), 2);
    expect(again.pendingBytes).toBe(0);
  });

  it("fails once, by name and cause, when the disk has no room", () => {
    const path = place();
    const program = fileURLToPath(workerFile("./full-disk-child.js", import.meta.url));
    // A limit on file sizes stands in for a full disk; Node ignores the signal that comes with it.
    const script = `ulimit -f 2000 && exec "${process.execPath}" "${program}" "${path}"`;
    const child = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    expect(child.stderr).toBe("");
    const [failure, refused, closed] = child.stdout.trim().split("\n");
    expect(failure).toMatch(
      /^1 (RESOURCE_EXHAUSTED|INTERNAL): can't write the state database .*state\.db: .*\(SQLITE_(FULL|IOERR_WRITE)\)$/,
    );
    expect(refused).toContain("can't write the state database");
    expect(closed).toBe("closed");
  });

  it("drops what is queued when it is discarded, and refuses what waits", async () => {
    const path = place();
    const backend = await openBackend(path);
    backend.write([row(1, "kept")], positionAt(1), 1);
    await backend.checkpoint();
    backend.write([row(2, "dropped")], positionAt(2), 2);
    await backend.discard();
    await backend.discard();
    await backend.close();
    const again = await openBackend(path);
    expect(await loadAll(again)).toEqual(["4/1=kept"]);
  });
});
