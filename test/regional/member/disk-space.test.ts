import { expect, test } from "vitest";
import { DiskSpace, type FileSystemSize, isLow } from "../../../regional/member/disk-space.js";
import { Deferred } from "../../../shared/deferred.js";
import { DISK_RESERVE_BYTES, DISK_RESUME_RESERVES } from "../../../shared/limits.js";

const LARGE = 100 * DISK_RESERVE_BYTES;

test("room is low below the reserve, and again plentiful only well above it", () => {
  const low = (free: number, before: boolean) => isLow({ total: LARGE, free }, 0, before);
  expect(low(DISK_RESERVE_BYTES, false)).toBe(false);
  expect(low(DISK_RESERVE_BYTES - 1, false)).toBe(true);
  expect(low(DISK_RESERVE_BYTES, true)).toBe(true);
  expect(low(DISK_RESERVE_BYTES * DISK_RESUME_RESERVES, true)).toBe(false);
});

test("a small disk has a small reserve", () => {
  const total = 1_000_000;
  expect(isLow({ total, free: total * 0.11 }, 0, false)).toBe(false);
  expect(isLow({ total, free: total * 0.09 }, 0, false)).toBe(true);
});

test("freed pages of the data are room, as far as some is really free", () => {
  const free = DISK_RESERVE_BYTES * 0.6;
  expect(isLow({ total: LARGE, free }, 0, false)).toBe(true);
  expect(isLow({ total: LARGE, free }, DISK_RESERVE_BYTES, false)).toBe(false);
  expect(isLow({ total: LARGE, free: free / 2 }, LARGE, false)).toBe(true);
});

test("looks once at a time, and takes a disk that can't be asked for one with room", async () => {
  let answer = new Deferred<FileSystemSize>();
  let looks = 0;
  const space = new DiskSpace("/data", () => {
    looks++;
    return answer.promise;
  });
  space.look(0);
  space.look(0);
  expect(looks).toBe(1);
  expect(space.free).toBeUndefined();
  answer.resolve({ total: LARGE, free: 5 });
  await answer.promise;
  expect([space.free, space.low]).toEqual([5, true]);
  answer = new Deferred();
  space.look(0);
  answer.reject(new Error("gone"));
  await answer.promise.catch(() => undefined);
  await Promise.resolve();
  expect([looks, space.free, space.low]).toEqual([2, undefined, false]);
});
