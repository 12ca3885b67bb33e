import { expect, test } from "vitest";
import { PageSize } from "../../../global/source/page-size.js";
import {
  SCAN_PAGE_FIRST_KEYS,
  SCAN_PAGE_MAX_KEYS,
  SCAN_PAGE_TARGET_BYTES,
  SCAN_PAGE_TARGET_MS,
} from "../../../shared/limits.js";

/** The size after several pages of keys of so many bytes, each of which takes so many milliseconds. */
function learnt(bytesEach: number, msEach: number, pages = 20): number {
  const size = new PageSize();
  for (let page = 0; page < pages; page++) {
    size.learn(size.keys, size.keys * bytesEach, size.keys * msEach);
  }
  return size.keys;
}

test("pages grow to the wished-for bytes, step by step, and no further than allowed", () => {
  expect(learnt(1_000, 0, 1)).toBe(2 * SCAN_PAGE_FIRST_KEYS);
  expect(learnt(1_000, 0)).toBe(Math.floor(SCAN_PAGE_TARGET_BYTES / 1_000));
  expect(learnt(1, 0)).toBe(SCAN_PAGE_MAX_KEYS);
});

test("slow pages get small enough to take the wished-for time", () => {
  expect(learnt(100, 10)).toBe(SCAN_PAGE_TARGET_MS / 10);
  expect(learnt(100, 10 * SCAN_PAGE_TARGET_MS)).toBe(1);
});

test("a page that doesn't come shrinks until it is one key", () => {
  const size = new PageSize();
  while (size.shrink()) expect(size.keys).toBeGreaterThan(0);
  expect(size.keys).toBe(1);
  size.learn(0, 0, 0);
  expect(size.keys).toBe(1);
});
