import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClockReading } from "../../../global/storage/core/clock-reading.js";
import { ViewStorage } from "../../../global/storage/view-storage.js";
import { systemClock } from "../../../shared/clock.js";
import { createLogger } from "../../../shared/log.js";
import { createRegistry } from "../../../shared/metrics.js";
import { digest, forget, History, newState, usEast } from "../digest/model.js";
import { clocksAt, Keeping } from "./memory-disk.js";

const SOON_MS = 10_000;
let folder: string;
let open: ViewStorage[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atoll-view-"));
});
afterEach(async () => {
  await Promise.all(open.map((storage) => storage.stop()));
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

const view = (): string => join(folder, "view.db");

interface Started {
  readonly keeping: Keeping;
  readonly storage: ViewStorage;
  readonly metrics: () => Promise<string>;
}

/** A gateway's storage in the folder, with a state of its own; nothing is loaded yet. */
function storageOf({ region = "us-east", path = folder } = {}): Started {
  const keeping = new Keeping(newState());
  const registry = createRegistry({});
  const started = performance.now();
  const storage = new ViewStorage({
    path,
    region,
    state: keeping.state,
    freshness: keeping.freshness,
    source: () => keeping.source,
    onRestored: ({ source }) => {
      keeping.source ??= source;
    },
    clock: systemClock,
    ageNowMs: () => performance.now() - started,
    bootClock: (): ClockReading => clocksAt(performance.now()),
    registry,
    log: createLogger("silent", {}),
  });
  open.push(storage);
  return { keeping, storage, metrics: () => registry.metrics() };
}

/** Holds two regions, so that one can be lost and the other one not. */
function fill({ keeping }: Started): void {
  const euWest = new History("eu-west");
  for (let i = 0; i < 40; i++) euWest.step({ [`group-${i}`]: i });
  for (const history of [usEast(), euWest]) keeping.state.receive(history.whole(history.last));
}

/** A file with two regions in it, closed. */
async function filled(): Promise<unknown> {
  const first = storageOf();
  expect(await first.storage.load()).toMatchObject({ sections: 0, dropped: [] });
  fill(first);
  first.storage.start();
  await first.storage.stop();
  return digest(first.keeping.state);
}

function asides(): string[] {
  return readdirSync(folder).filter((file) =>
    /^view\.db\.damaged-[^-]+-[^-]+-[^-]+-[^-]+-\S+Z$/.test(file),
  );
}

test("what a gateway knew when it stopped is there when it starts", async () => {
  const before = await filled();
  const again = storageOf();
  expect(await again.storage.load()).toMatchObject({ sections: 2, groups: 41, dropped: [] });
  expect(digest(again.keeping.state)).toEqual(before);
  expect(again.storage.status).toMatchObject({ path: folder, error: "", restored: 2, dropped: 0 });
  again.storage.start();
  await again.storage.saveNow(SOON_MS);
  const text = await again.metrics();
  expect(text).toMatch(/^atoll_global_storage_up 1$/m);
  expect(text).toMatch(/^atoll_global_storage_restored_sections 2$/m);
  expect(text).toMatch(/^atoll_global_storage_lag_seconds 0\.\d+$/m);
});

test("an order is on disk when that was waited for, without a stop", async () => {
  const first = storageOf();
  await first.storage.load();
  first.storage.start();
  first.keeping.state.obey(forget("eu-west", 2));
  await first.storage.saveNow(SOON_MS);
  // As a process finds it that was killed: the same file, without its lock.
  const copy = mkdtempSync(join(folder, "copy-"));
  for (const end of ["", "-wal"])
    writeFileSync(join(copy, `view.db${end}`), readFileSync(view() + end));
  const second = storageOf({ path: copy });
  expect(await second.storage.load()).toMatchObject({ dropped: [] });
  expect(second.keeping.state.forgotten).toEqual(new Map([["eu-west", 2]]));
});

describe("a file that is damaged is set aside and written anew", () => {
  test.each<[string, () => void]>([
    ["isn't SQLite", () => writeFileSync(view(), Buffer.alloc(100_000, "nonsense "))],
    ["is cut in the middle", () => truncateSync(view(), 20 * 1024)],
    ["is of another format", () => edit("UPDATE meta SET value = '999' WHERE key = 'format'")],
    ["is another program's", () => edit("DROP TABLE meta")],
    ["has lost a table", () => edit("DROP TABLE rows")],
  ])("that %s", async (_, damage) => {
    const before = await filled();
    damage();
    const again = storageOf();
    await again.storage.load();
    expect(asides()).toHaveLength(1);
    expect(await again.metrics()).toMatch(/^atoll_global_storage_files_set_aside_total 1$/m);
    // It serves what it could read, learns the rest, and keeps that.
    fill(again);
    again.storage.start();
    await again.storage.saveNow(SOON_MS);
    expect(again.storage.status.error).toBe("");
    await again.storage.stop();
    const last = storageOf();
    expect(await last.storage.load()).toMatchObject({ sections: 2, dropped: [] });
    expect(digest(last.keeping.state)).toEqual(before);
  });

  const edit = (sql: string): void => {
    const db = new Database(view());
    db.exec(sql);
    db.close();
  };

  test("flipped bytes anywhere cost at most what they are in, and never a crash or a wrong view", async () => {
    await filled();
    const sound = readFileSync(view());
    const whole = digestSections(await loaded());
    for (let at = 60; at < sound.length; at += 1_511) {
      const bytes = Buffer.from(sound);
      for (let i = at; i < Math.min(at + 3, bytes.length); i++)
        bytes[i] = (bytes[i] as number) ^ 0x5a;
      for (const file of readdirSync(folder)) rmSync(join(folder, file), { recursive: true });
      writeFileSync(view(), bytes);
      for (const section of digestSections(await loaded())) expect(whole).toContain(section);
    }
  });

  const loaded = async (): Promise<Keeping> => {
    const { storage, keeping } = storageOf();
    await storage.load();
    await storage.stop();
    return keeping;
  };

  const digestSections = ({ state }: Keeping): string[] =>
    state.claims().map(({ id, version, root }) => JSON.stringify([id, version, root]));
});

describe("a directory", () => {
  test("that another process has is refused, and stays what it was", async () => {
    const first = storageOf();
    await first.storage.load();
    const second = storageOf();
    await expect(second.storage.load()).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: `the data directory ${folder} is in use by another process; a gateway needs one of its own`,
    });
    fill(first);
    first.storage.start();
    await first.storage.saveNow(SOON_MS);
    expect(first.storage.status.error).toBe("");
  });

  test("with another region's view is refused", async () => {
    await filled();
    const other = storageOf({ region: "eu-west" });
    await expect(other.storage.load()).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: `the stored view ${view()} belongs to a gateway of us-east, not of eu-west`,
    });
    expect(asides()).toEqual([]);
  });

  test("that can't be used costs the storage only, until it can", async () => {
    const path = join(folder, "taken");
    writeFileSync(path, "a file, not a directory");
    const started = storageOf({ path });
    expect(await started.storage.load()).toBeUndefined();
    expect(started.storage.status.error).toMatch(/can't make the data directory .*taken/);
    expect(await started.metrics()).toMatch(/^atoll_global_storage_up 0$/m);
    fill(started);
    started.storage.start();
    await started.storage.saveNow(SOON_MS);
    expect(started.storage.status.error).not.toBe("");
    rmSync(path);
    await started.storage.saveNow(SOON_MS);
    expect(started.storage.status.error).toBe("");
  });

  test("that can be used only later gives back what is in it then", async () => {
    const before = await filled();
    const hidden = `${folder}-hidden`;
    renameSync(folder, hidden);
    writeFileSync(folder, "in its place");
    const started = storageOf();
    expect(await started.storage.load()).toBeUndefined();
    started.storage.start();
    rmSync(folder);
    renameSync(hidden, folder);
    await started.storage.saveNow(SOON_MS);
    expect(started.storage.status).toMatchObject({ error: "", restored: 2 });
    expect(digest(started.keeping.state)).toEqual(before);
    await started.storage.stop();
    const last = storageOf();
    expect(await last.storage.load()).toMatchObject({ sections: 2, dropped: [] });
  });

  test("whose file can't be opened costs the storage, until that is set aside", async () => {
    mkdirSync(view());
    const started = storageOf();
    expect(await started.storage.load()).toBeUndefined();
    expect(started.storage.status.error).toMatch(/can't open the stored view/);
    fill(started);
    started.storage.start();
    for (let i = 0; i < 3; i++) await started.storage.saveNow(SOON_MS);
    expect(started.storage.status.error).toBe("");
    expect(asides()).toHaveLength(1);
  });

  test("whose lock can't be taken costs the storage only", async () => {
    mkdirSync(join(folder, "lock.db"));
    const started = storageOf();
    expect(await started.storage.load()).toBeUndefined();
    expect(started.storage.status.error).toMatch(/can't lock the data directory/);
  });

  test("whose lock isn't one any more goes on with another", async () => {
    await filled();
    writeFileSync(join(folder, "lock.db"), Buffer.alloc(4_096, "x"));
    const again = storageOf();
    expect(await again.storage.load()).toMatchObject({ sections: 2 });
  });

  test("keeps only a few of the files that were set aside", async () => {
    for (let i = 0; i < 5; i++) {
      writeFileSync(view(), `nonsense ${i}`);
      const { storage } = storageOf();
      await storage.load();
      await storage.stop();
    }
    expect(asides()).toHaveLength(3);
    expect(readFileSync(join(folder, asides().at(-1) ?? ""), "utf8")).toBe("nonsense 4");
  });
});

test("stopping while it is loading leaves the file as it was", async () => {
  const before = await filled();
  const second = storageOf();
  const loading = second.storage.load();
  await second.storage.stop();
  await loading;
  expect(asides()).toEqual([]);
  const last = storageOf();
  await last.storage.load();
  expect(digest(last.keeping.state)).toEqual(before);
});
