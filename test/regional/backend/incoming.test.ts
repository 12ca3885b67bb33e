import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeManifest } from "../../../regional/backend/manifest.js";
import { tempDirectory } from "../log/support.js";
import { chunksOf, manifestOf } from "./manifests.js";
import { positionAt } from "./positions.js";
import { openMember } from "./support.js";

const BYTES = randomBytes(27_000);
const MANIFEST = manifestOf(BYTES, positionAt(40, 3));
const CHUNKS = chunksOf(BYTES);

/** A data directory with the first three chunks of the snapshot, as a kill leaves it. */
async function partOf(): Promise<{ path: string; staging: string }> {
  const path = join(tempDirectory(), "data");
  const storage = await openMember(path);
  const incoming = await storage.receive(MANIFEST);
  expect(incoming.resumedBytes).toBe(0);
  for (const chunk of CHUNKS.slice(0, 3)) await incoming.write(chunk);
  expect(incoming.received).toBe(15_000);
  await incoming.close();
  await storage.close();
  return { path, staging: join(path, "incoming.db") };
}

async function resumedBytes(path: string, manifest = MANIFEST): Promise<number> {
  const storage = await openMember(path);
  const incoming = await storage.receive(manifest);
  const { resumedBytes, received } = incoming;
  expect(received).toBe(resumedBytes);
  const rest = manifest === MANIFEST ? CHUNKS.slice(Math.ceil(resumedBytes / 5000)) : [];
  for (const chunk of rest) await incoming.write(chunk);
  await incoming.close();
  if (manifest === MANIFEST) {
    expect(readFileSync(join(path, "incoming.db")).equals(BYTES)).toBe(true);
  }
  await storage.close();
  return resumedBytes;
}

describe("a snapshot received in part", () => {
  it("is gone on with, in the same life and after a restart", async () => {
    const { path } = await partOf();
    const storage = await openMember(path);
    expect(storage.stagedIndex()).toBe(40);
    const again = await storage.receive(MANIFEST);
    expect(again.resumedBytes).toBe(15_000);
    await again.write(CHUNKS[3] as Buffer);
    await again.close();
    const third = await storage.receive(MANIFEST);
    expect(third.resumedBytes).toBe(20_000);
    await third.close();
    await storage.close();
    expect(await resumedBytes(path)).toBe(20_000);
    // The last chunk is a short one.
    expect(await resumedBytes(path)).toBe(27_000);
  });

  it("begins anew with another snapshot, even at the same index", async () => {
    for (const other of [
      manifestOf(BYTES, positionAt(41, 3)),
      manifestOf(BYTES, positionAt(40, 4)),
      manifestOf(BYTES.subarray(0, 26_000), positionAt(40, 3)),
      manifestOf(BYTES, positionAt(40, 3), 4000),
      manifestOf(Buffer.concat([BYTES.subarray(0, 26_999), Buffer.from("x")]), positionAt(40, 3)),
    ]) {
      const { path, staging } = await partOf();
      expect(await resumedBytes(path, other)).toBe(0);
      expect(readFileSync(staging)).toHaveLength(0);
    }
  });

  it.each([
    ["lost its end", (file: string) => truncateSync(file, 12_345), 10_000],
    ["lost everything", (file: string) => truncateSync(file, 0), 0],
    ["has a torn end", (file: string) => appendFileSync(file, randomBytes(777)), 15_000],
    ["has zeros where a chunk was", (file: string) => damage(file, 6_000, 3_000), 5_000],
    ["has one wrong bit", (file: string) => damage(file, 1_000, 1), 0],
  ])("is gone on with from its last sound chunk when its file %s", async (_how, tear, sound) => {
    const { path, staging } = await partOf();
    tear(staging);
    expect(await resumedBytes(path)).toBe(sound);
  });

  it("is dropped at start when nobody can tell what it is", async () => {
    for (const text of ["", "{}", encodeManifest(MANIFEST).replace("27000", "99000")]) {
      const { path, staging } = await partOf();
      writeFileSync(join(path, "incoming.json"), text);
      const storage = await openMember(path);
      expect(storage.stagedIndex()).toBeUndefined();
      expect([existsSync(staging), existsSync(join(path, "incoming.json"))]).toEqual([
        false,
        false,
      ]);
    }
  });

  it("is dropped when it is not needed any more", async () => {
    const { path, staging } = await partOf();
    const storage = await openMember(path);
    storage.dropReceived();
    expect([existsSync(staging), storage.stagedIndex()]).toEqual([false, undefined]);
  });

  it("refuses a chunk that isn't what its manifest says, and keeps what was sound", async () => {
    const { path } = await partOf();
    const storage = await openMember(path);
    const incoming = await storage.receive(MANIFEST);
    const wrong = Buffer.from(CHUNKS[3] as Buffer);
    wrong[17] = (wrong[17] as number) ^ 1;
    await expect(incoming.write(wrong)).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: "chunk 3 of the snapshot doesn't match its checksum",
    });
    await expect(incoming.write(CHUNKS[4]?.subarray(1) as Buffer)).rejects.toThrow(
      "chunk 3 of the snapshot has 4999 bytes, not 5000",
    );
    expect(incoming.received).toBe(15_000);
    for (const chunk of CHUNKS.slice(3)) await incoming.write(chunk);
    await expect(incoming.write(CHUNKS[0] as Buffer)).rejects.toThrow("5000 bytes, not 0");
    await incoming.close();
    await storage.close();
  });
});

function damage(file: string, at: number, length: number): void {
  const bytes = readFileSync(file);
  for (let i = at; i < at + length; i++) bytes[i] = length === 1 ? (bytes[i] as number) ^ 8 : 0;
  writeFileSync(file, bytes);
}
