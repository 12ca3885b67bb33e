import { afterEach, describe, expect, test } from "vitest";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex } from "./leader.js";
import { expectNothingLost, Writers } from "./writers.js";

/**
 * Members that die by SIGKILL at any moment lose no write that was acknowledged, and
 * the members that are left, or come back, agree with each other.
 */
describe("three members", () => {
  let region: Region | undefined;
  afterEach(async () => {
    await region?.stop();
    region = undefined;
  });

  test("lose nothing when leaders and followers are killed while writing", async () => {
    region = await startRegion({ members: 3 });
    const writers = new Writers(region.endpoints);
    try {
      await writers.more(200);
      for (let round = 0; round < 4; round++) {
        const leader = await leaderIndex(region.endpoints);
        const victim = round % 2 === 0 ? leader : (leader + 1) % 3;
        await region.child(victim).kill();
        await writers.more(100);
        await region.restart(victim);
        await writers.more(100);
      }
    } finally {
      await writers.stop();
    }
    await expectNothingLost(region.endpoints, writers.acknowledged);
  });

  test("lose nothing when all are killed at once while writing", async () => {
    region = await startRegion({ members: 3 });
    const killed = region;
    const writers = new Writers(region.endpoints);
    try {
      await writers.more(300);
      await Promise.all([0, 1, 2].map((index) => killed.child(index).kill()));
    } finally {
      await writers.stop();
    }
    await Promise.all([0, 1, 2].map((index) => killed.restart(index)));
    expect(writers.acknowledged.length).toBeGreaterThanOrEqual(300);
    await expectNothingLost(region.endpoints, writers.acknowledged);
  });
});
