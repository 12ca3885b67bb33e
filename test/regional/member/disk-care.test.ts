import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DiskCare } from "../../../regional/member/disk-care.js";
import { DiskSpace } from "../../../regional/member/disk-space.js";
import { type DiskReport, decodeDisk } from "../../../regional/peer/disk-wire.js";
import { FRAME_HEAD_BYTES } from "../../../regional/peer/frame.js";
import { AtollError } from "../../../shared/errors.js";
import { DISK_REPORT_VALID_MS } from "../../../shared/limits.js";
import { createLogger } from "../../../shared/log.js";
import { leading, progress } from "./raft-status.js";

const WELL: DiskReport = { low: false, oldestPendingMs: 0, syncMs: 1 };
const LOW: DiskReport = { ...WELL, low: true };

/** Member 1 of three, on a disk that a test makes sick, full or short of room. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), "atoll-care-"));
  readonly log = {
    durableIndex: 10,
    full: undefined as AtollError | undefined,
    pendingMs: 0,
    oldestPendingMs: () => this.log.pendingMs,
  };
  readonly sent: DiskReport[] = [];
  readonly transfers: number[] = [];
  readonly logged: string[] = [];
  leads = true;
  free = 1e9;
  nowMs = 0;
  readonly care: DiskCare;

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    this.care = new DiskCare({
      self: 1,
      storage: {
        path: this.folder,
        log: this.log,
        backend: { full: undefined, size: { total: 0, inUse: 0 } },
      },
      leads: () => this.leads,
      voters: () => [1, 2, 3],
      raftStatus: () => leading(progress(1, 10), progress(2, 12), progress(3, 11)),
      transferTo: (member) => void this.transfers.push(member),
      broadcast: (frame) => void this.sent.push(decodeDisk(frame.subarray(FRAME_HEAD_BYTES))),
      log: createLogger("info", {}, { write: (line) => void this.logged.push(line) }),
      space: new DiskSpace(this.folder, () => Promise.resolve({ total: 1e9, free: this.free })),
    });
  }

  /** A tick, and what it began has ended. */
  async tick(ms = 100): Promise<void> {
    this.nowMs += ms;
    this.care.tick(this.nowMs);
    await new Promise((resolve) => setImmediate(resolve));
  }

  says(text: string): number {
    return this.logged.filter((line) => line.includes(text)).length;
  }
}

test("a leader whose appends are stuck hands over, once somebody says that its disk is well", async () => {
  const world = new World();
  world.log.pendingMs = 900;
  world.care.receive(3, WELL);
  await world.tick();
  expect(world.transfers).toEqual([]);
  world.log.pendingMs = 1_100;
  await world.tick();
  expect(world.transfers).toEqual([3]);
  expect(world.care.handovers).toBe(1);
  // The longest log goes first, if its disk is well.
  world.care.receive(2, WELL);
  await world.tick();
  expect(world.transfers).toEqual([3, 2]);
  expect(world.says("handing over")).toBe(1);
});

test("a follower with a stuck disk, and a leader among stuck ones, only say so", async () => {
  const world = new World();
  world.log.pendingMs = 1_100;
  world.leads = false;
  world.care.receive(2, WELL);
  await world.tick();
  world.leads = true;
  world.care.receive(2, { ...WELL, oldestPendingMs: 1_000 });
  await world.tick();
  await world.tick(DISK_REPORT_VALID_MS);
  expect(world.transfers).toEqual([]);
  expect(world.says("the log's disk is stuck")).toBe(1);
  await world.tick(5_000);
  expect(world.says("the log's disk is stuck")).toBe(2);
});

test("others are told about once a second, and at once of what they act on", async () => {
  const world = new World();
  await world.tick();
  expect(world.sent).toEqual([]);
  world.care.synced(0.01);
  world.care.chore();
  expect(world.sent).toEqual([{ low: false, oldestPendingMs: 0, syncMs: 2 }]);
  world.log.pendingMs = 600;
  await world.tick();
  await world.tick();
  expect(world.sent.map(({ oldestPendingMs }) => oldestPendingMs)).toEqual([0, 600]);
  world.free = 0;
  await world.tick();
  await world.tick();
  expect(world.sent.at(-1)?.low).toBe(true);
});

test("writes are refused while two of three have too little room, also by what others say", async () => {
  const world = new World();
  world.care.receive(2, LOW);
  await world.tick();
  expect(world.care.regionLacksRoom).toBe(false);
  expect([1, 2, 3].filter((member) => world.care.isLow(member))).toEqual([2]);
  world.care.receive(3, LOW);
  await world.tick();
  expect(world.care.regionLacksRoom).toBe(true);
  expect(world.says("writes that need more are refused")).toBe(1);
  await world.tick(DISK_REPORT_VALID_MS);
  expect(world.care.regionLacksRoom).toBe(false);
  expect(world.says("all writes are taken")).toBe(1);
});

test("on a full disk the spare room is given up; the disk counts as low until it isn't full", async () => {
  const world = new World();
  const spare = join(world.folder, "SPARE");
  await world.tick();
  await world.tick();
  await expect.poll(() => existsSync(spare)).toBe(true);
  await expect
    .poll(async () => {
      world.log.full = new AtollError("RESOURCE_EXHAUSTED", "no room");
      await world.tick();
      const gone = !existsSync(spare);
      if (!gone) world.log.full = undefined;
      await world.tick();
      return gone;
    })
    .toBe(true);
  expect(world.care.own.low).toBe(true);
  expect(world.says("the disk is full")).toBeGreaterThan(0);
  world.log.full = undefined;
  await world.tick();
  expect(world.care.own.low).toBe(false);
  await expect.poll(() => existsSync(spare)).toBe(true);
});
