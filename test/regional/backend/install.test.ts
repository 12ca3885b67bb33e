import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { IncomingSnapshot } from "../../../regional/backend/incoming.js";
import { installSteps, runInstall } from "../../../regional/backend/install.js";
import type { MemberStorage } from "../../../regional/backend/storage.js";
import { DataDirectory } from "../../../regional/log/directory.js";
import { DurableLog } from "../../../regional/log/durable-log.js";
import { confState, initial, makeEntries } from "../log/entries.js";
import { hard, tempDirectory } from "../log/support.js";
import { chunksOf, manifestOf } from "./manifests.js";
import { positionAt } from "./positions.js";
import { meta, row } from "./records.js";
import { loadAll, member, openMember } from "./support.js";

const OLD = ["1/0=old meta", "4/1=old", "4/2=only old"];
const NEW = ["1/0=new meta", "4/1=new", "4/9=only new"];
const POSITION = positionAt(40, 3);

function append(log: DurableLog, first: number, count: number, term = 1): Promise<void> {
  return new Promise((resolve) => {
    const entries = makeEntries(first, count, term);
    log.append({ entries, hardState: hard(term, 2, first) }, resolve);
  });
}

/** A member that fell behind: entries to 10, state to 8. */
async function follower(path: string): Promise<MemberStorage> {
  const storage = await openMember(path);
  await append(storage.log, 1, 10);
  storage.backend.write([row(1, "old"), row(2, "only old"), meta("old meta")], positionAt(8), 10);
  await storage.backend.checkpoint();
  return storage;
}

/** The bytes of an image of another member's state at POSITION. */
async function image(): Promise<Buffer> {
  const directory = tempDirectory();
  const storage = await openMember(join(directory, "leader"), { ...member, memberId: 77 });
  const { backend } = storage;
  backend.write([row(1, "new"), row(9, "only new"), meta("new meta")], POSITION, POSITION.index);
  const { file, position } = await backend.snapshotTo(join(directory, "image.db"));
  expect(position).toEqual(POSITION);
  await storage.close().catch(() => undefined);
  return readFileSync(file);
}

async function receive(storage: MemberStorage, bytes: Buffer): Promise<IncomingSnapshot> {
  const incoming = await storage.receive(manifestOf(bytes, POSITION));
  for (const chunk of chunksOf(bytes)) await incoming.write(chunk);
  expect(incoming.received).toBe(bytes.length);
  return incoming;
}

async function expectNew(path: string): Promise<void> {
  const storage = await openMember(path);
  expect(storage.backend.loaded).toEqual(POSITION);
  expect(await loadAll(storage.backend)).toEqual(NEW);
  expect(storage.log.base).toEqual({ index: 40, term: 3 });
  expect(storage.log.lastIndex()).toBe(40);
  expect(storage.log.initialState()).toEqual({ hardState: hard(3, 0, 40), confState });
  await append(storage.log, 41, 2, 3);
  await storage.close();
  expect(readdirSync(path).sort()).toEqual(["VERSION", "lock.db", "log.db", "state.db"]);
}

describe("a received snapshot", () => {
  it("replaces state and log, and the member goes on with them", async () => {
    const path = join(tempDirectory(), "data");
    const storage = await follower(path);
    const incoming = await receive(storage, await image());
    expect(await incoming.finish()).toEqual(POSITION);
    const old = storage.backend;
    await storage.install(POSITION);
    expect(storage.backend).not.toBe(old);
    expect(await loadAll(storage.backend)).toEqual(NEW);
    storage.backend.write([row(9, null)], positionAt(41, 3), 41);
    await storage.backend.checkpoint();
    await append(storage.log, 41, 3, 3);
    await storage.close();
    const again = await openMember(path);
    expect(again.log.lastIndex()).toBe(43);
    expect(await loadAll(again.backend)).toEqual(NEW.slice(0, 2));
  });

  const names = ["decide", "discard", "replace", "reset", "forget"];
  it.each(names.map((name, i) => ({ name, count: i + 1 })))(
    "is installed by the next start after a crash past step $count ($name)",
    async ({ count }) => {
      const path = join(tempDirectory(), "data");
      const storage = await follower(path);
      await (await receive(storage, await image())).finish();
      // Something in the old write-ahead log that must not come back.
      storage.backend.write([row(3, "late"), meta("late meta")], positionAt(9), 10);
      await storage.close();
      const directory = DataDirectory.open(path, member);
      const hooks = { onFailure: () => undefined };
      const { log: file, identity } = directory;
      const log = await DurableLog.open({ path: file, identity, initial, create: false, hooks });
      const steps = installSteps(directory, log, POSITION);
      expect(steps.map(({ name }) => name)).toEqual(names);
      await runInstall(directory, steps.slice(0, count));
      await log.close();
      directory.close();
      await expectNew(path);
    },
  );

  it("changes nothing when the crash came before it was decided", async () => {
    const path = join(tempDirectory(), "data");
    const storage = await follower(path);
    const incoming = await receive(storage, await image());
    await incoming.finish();
    await storage.close();
    expect(existsSync(join(path, "incoming.db"))).toBe(true);
    const again = await openMember(path);
    expect(existsSync(join(path, "incoming.db"))).toBe(false);
    expect(await loadAll(again.backend)).toEqual(OLD);
    expect(again.log.lastIndex()).toBe(10);
  });

  it("is not undone by the write-ahead log of the state it replaces", async () => {
    const path = join(tempDirectory(), "data");
    const storage = await follower(path);
    await (await receive(storage, await image())).finish();
    storage.backend.write([row(3, "late"), meta("late meta")], positionAt(9), 10);
    await storage.backend.snapshotTo(join(path, "unused.db"));
    const wal = readFileSync(join(path, "state.db-wal"));
    expect(wal.includes("late meta")).toBe(true);
    await storage.close();
    rmSync(join(path, "unused.db"));
    const directory = DataDirectory.open(path, member);
    const hooks = { onFailure: () => undefined };
    const { log: file, identity } = directory;
    const log = await DurableLog.open({ path: file, identity, initial, create: false, hooks });
    await runInstall(directory, installSteps(directory, log, POSITION).slice(0, 1));
    // As a kill would have left it.
    writeFileSync(`${directory.state}-wal`, wal);
    await log.close();
    directory.close();
    await expectNew(path);
  });

  it("is refused when its bytes are damaged, cut short, or another cluster's", async () => {
    const storage = await follower(join(tempDirectory(), "data"));
    const good = await image();
    const text = Buffer.from("only new");
    const damaged = Buffer.from(good);
    damaged.write("ONLY", good.indexOf(text));
    const refused = async (bytes: Buffer): Promise<string> => {
      const incoming = await receive(storage, bytes);
      const error = await incoming.finish().catch((thrown: unknown) => thrown);
      await incoming.abort();
      return String(error);
    };
    expect(await refused(damaged)).toContain("record 9 of table 4: its checksum is wrong");
    expect(await refused(good.subarray(0, good.length - 4096))).toMatch(/corrupt|malformed/);
    expect(await refused(Buffer.alloc(5000, 7))).toContain("file is not a database");
    const foreign = Buffer.from(good);
    foreign.write("c1a6", good.indexOf("c1a5"));
    expect(await refused(foreign)).toContain("belongs to cluster c1a6, not to cluster c1a5");
    expect(storage.log.lastIndex()).toBe(10);
  });

  it("can be aborted and begun again", async () => {
    const path = join(tempDirectory(), "data");
    const storage = await follower(path);
    const bytes = await image();
    const first = await storage.receive(manifestOf(bytes, POSITION));
    await first.write(bytes.subarray(0, 5000));
    await first.abort();
    await first.abort();
    await expect(first.write(bytes.subarray(5000, 10_000))).rejects.toThrow(
      `can't write the incoming snapshot ${join(path, "incoming.db")}`,
    );
    expect(existsSync(join(path, "incoming.db"))).toBe(false);
    expect(await (await receive(storage, bytes)).finish()).toEqual(POSITION);
  });

  it("leaves a decided install without its image as an error that says so", async () => {
    const path = join(tempDirectory(), "data");
    const storage = await follower(path);
    await storage.close();
    const directory = DataDirectory.open(path, member);
    const hooks = { onFailure: () => undefined };
    const { log: file, identity } = directory;
    const log = await DurableLog.open({ path: file, identity, initial, create: false, hooks });
    const steps = installSteps(directory, log, POSITION);
    await runInstall(directory, steps.slice(0, 1));
    await expect(runInstall(directory, steps.slice(2, 3))).rejects.toThrow(
      `can't install a snapshot (replace) in ${path}`,
    );
    await log.close();
    directory.close();
    await expect(openMember(path)).rejects.toThrow(
      /state\.db stands at 8, but .*INSTALL decides for the snapshot at 40/,
    );
  });
});
