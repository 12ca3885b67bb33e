import { describe, expect, test } from "vitest";
import { hashBool, hashNumber, hashText } from "../../../../global/digest/sketch/hash64.js";

type Halves = readonly [high: number, low: number];
const halves = (high: number, low: number): Halves => [high, low];
const hex = ([high, low]: Halves): string =>
  [high, low].map((half) => half.toString(16).padStart(8, "0")).join("");

describe("the hash of sketches", () => {
  test.each([
    ["", hashText("", halves), "b6e5772d3cd62b54"],
    ["a", hashText("a", halves), "b0514354a3ebcc1a"],
    ["us-east-host-7", hashText("us-east-host-7", halves), "473d00a96804c5e6"],
    ["é😀", hashText("é😀", halves), "aa94f51514b29b57"],
    ["1", hashText("1", halves), "1141fd32136bc5f5"],
    [1, hashNumber(1, halves), "d5ed641597ec4f1c"],
    [-0.1, hashNumber(-0.1, halves), "d25da353f40b10ae"],
    [true, hashBool(true, halves), "b5d0c8dd6dc6a706"],
  ])("of %j never changes: digests of all gateways depend on it", (_, hash, expected) => {
    expect(hex(hash)).toBe(expected);
  });

  test("tells kinds apart, and no zero from another", () => {
    const all = [
      hashText("1", halves),
      hashNumber(1, halves),
      hashBool(true, halves),
      hashText("true", halves),
      hashText("", halves),
      hashText("\0", halves),
      hashText("\0\0", halves),
    ];
    expect(new Set(all.map(hex)).size).toBe(all.length);
    expect(hashNumber(-0, halves)).toEqual(hashNumber(0, halves));
  });

  test("changes each of its bits half of the time when a bit of the input changes", () => {
    const flips = new Uint32Array(64);
    let trials = 0;
    for (let i = 0; i < 500; i++) {
      const text = `host-${i}`;
      const before = hashText(text, halves);
      for (let at = 0; at < text.length; at++) {
        for (const bit of [0, 3, 7, 15]) {
          const unit = text.charCodeAt(at) ^ (1 << bit);
          const other = text.slice(0, at) + String.fromCharCode(unit) + text.slice(at + 1);
          const after = hashText(other, halves);
          trials++;
          for (let out = 0; out < 64; out++) {
            const half = out >> 5;
            const changed = (before[half] as number) ^ (after[half] as number);
            if ((changed >>> (out & 31)) & 1) flips[out] = (flips[out] as number) + 1;
          }
        }
      }
    }
    for (const count of flips) expect(Math.abs(count / trials - 0.5)).toBeLessThan(0.025);
  });

  test.each([
    ["text that counts up", (i: number) => hashText(`us-east-host-${i}`, halves)],
    ["integers", (i: number) => hashNumber(i, halves)],
    ["fractions", (i: number) => hashNumber(i / 1_000, halves)],
  ])("spreads %s evenly over registers", (_, hash) => {
    const counts = new Uint32Array(4_096);
    const each = 50;
    for (let i = 0; i < 4_096 * each; i++) {
      const register = hash(i)[0] >>> 20;
      counts[register] = (counts[register] as number) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - each) ** 2 / each, 0);
    // 4,095 degrees of freedom: the mean and five standard deviations on either side.
    expect(Math.abs(chiSquare - 4_095)).toBeLessThan(5 * Math.sqrt(2 * 4_095));
  });
});
