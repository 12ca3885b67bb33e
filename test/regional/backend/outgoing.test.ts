import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Backend } from "../../../regional/backend/backend.js";
import { OutgoingImage } from "../../../regional/backend/outgoing.js";
import { tempDirectory } from "../log/support.js";
import { positionAt } from "./positions.js";
import { meta, row } from "./records.js";
import { openBackend } from "./support.js";

async function backendAt(index: number): Promise<Backend> {
  const backend = await openBackend(join(tempDirectory(), "state.db"));
  const records = Array.from({ length: 300 }, (_, i) => row(i + 1, "x".repeat(1500)));
  backend.write([...records, meta("m")], positionAt(index), index);
  return backend;
}

describe("OutgoingImage", () => {
  it("is made once, with the checksums of its chunks, and used until it is too old", async () => {
    const backend = await backendAt(20);
    const image = new OutgoingImage(join(tempDirectory(), "outgoing"));
    let made = 0;
    const make = (file: string): ReturnType<Backend["snapshotTo"]> => {
      made++;
      return backend.snapshotTo(file);
    };
    const manifest = await image.provide(5, make);
    expect(manifest.position).toEqual(positionAt(20));
    const bytes = readFileSync(image.file);
    expect([bytes.length, manifest.checksums.length]).toEqual([manifest.sizeBytes, 3]);
    manifest.checksums.forEach((sum, i) => {
      const at = i * manifest.chunkBytes;
      expect(crc32(bytes.subarray(at, at + manifest.chunkBytes))).toBe(sum);
    });
    expect(await image.provide(20, make)).toBe(manifest);
    expect(made).toBe(1);
    backend.write([meta("n")], positionAt(30), 30);
    expect((await image.provide(21, make)).position).toEqual(positionAt(30));
    expect(made).toBe(2);
  });

  it("is found by the next life, unless it isn't whole", async () => {
    const backend = await backendAt(20);
    const folder = join(tempDirectory(), "outgoing");
    const first = new OutgoingImage(folder);
    const manifest = await first.provide(1, (file) => backend.snapshotTo(file));
    const second = new OutgoingImage(folder);
    await second.find();
    expect(second.kept).toEqual(manifest);
    truncateSync(second.file, manifest.sizeBytes - 1);
    const third = new OutgoingImage(folder);
    await third.find();
    expect([third.kept, existsSync(folder)]).toEqual([undefined, false]);
    await third.provide(1, (file) => backend.snapshotTo(file));
    writeFileSync(join(folder, "image.json"), "{");
    const fourth = new OutgoingImage(folder);
    await fourth.find();
    expect([fourth.kept, existsSync(folder)]).toEqual([undefined, false]);
  });

  it("leaves nothing behind when it can't be made, or is dropped", async () => {
    const folder = join(tempDirectory(), "outgoing");
    const image = new OutgoingImage(folder);
    const failing = image.provide(1, async (file) => {
      writeFileSync(file, "half of it");
      throw new Error("no space");
    });
    await expect(failing).rejects.toThrow("no space");
    expect([image.kept, existsSync(folder)]).toEqual([undefined, false]);
    const backend = await backendAt(3);
    await image.provide(1, (file) => backend.snapshotTo(file));
    await image.drop();
    expect([image.kept, existsSync(folder)]).toEqual([undefined, false]);
  });
});
