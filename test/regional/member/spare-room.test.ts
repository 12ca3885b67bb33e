import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SpareRoom } from "../../../regional/member/spare-room.js";
import { SPARE_ROOM_BYTES } from "../../../shared/limits.js";

test("room is held, found again by the next life, given up and made again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atoll-spare-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "SPARE");
  const room = new SpareRoom(folder);
  expect(room.held).toBe(false);
  await Promise.all([room.make(1e12), room.make(1e12)]);
  expect(statSync(file).size).toBe(SPARE_ROOM_BYTES);
  expect([room.held, new SpareRoom(folder).held]).toEqual([true, true]);
  room.release();
  expect([room.held, new SpareRoom(folder).held]).toEqual([false, false]);
  await room.make(64 * 1024 * 50);
  expect(statSync(file).size).toBe(64 * 1024);
});

test("where it can't be made, nothing is held and nothing stays behind", async () => {
  const room = new SpareRoom(join(tmpdir(), "atoll-that-is-not-there"));
  await room.make(1e12);
  expect(room.held).toBe(false);
});
