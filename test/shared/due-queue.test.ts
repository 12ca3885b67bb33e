import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DueQueue } from "../../shared/due-queue.js";

test("a due queue gives what is due, the earliest first", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.nat(50), (times, now) => {
      const queue = new DueQueue<number>();
      for (const time of times) queue.push(time, time);
      const taken: number[] = [];
      expect(queue.nextAt).toBe(Math.min(...times));
      for (let next = queue.popDue(now); next !== undefined; next = queue.popDue(now)) {
        taken.push(next);
      }
      expect(taken).toEqual(times.filter((time) => time <= now).sort((a, b) => a - b));
      expect(queue.size).toBe(times.length - taken.length);
    }),
  );
});
