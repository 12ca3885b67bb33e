import { expect, test } from "vitest";
import { seededRandom } from "../../shared/random.js";

test("equal seeds give equal sequences, other seeds others", () => {
  const take = (seed: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => random.int(1_000_000));
  };
  expect(take(7)).toEqual(take(7));
  expect(take(7)).not.toEqual(take(8));
  expect(take(2 ** 40)).not.toEqual(take(2 ** 41));
});

test("numbers are spread evenly enough for a simulation", () => {
  const random = seededRandom(1);
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) buckets[random.int(10)]! += 1;
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("picking from nothing is refused", () => {
  expect(() => seededRandom(1).pick([])).toThrow("the list is empty");
});
