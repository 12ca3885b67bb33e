import { describe, expect, test } from "vitest";
import type { KvRow } from "../../../regional/store/row.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import { STORE_SLAB_BYTES, TIDY_STEP_ROWS } from "../../../shared/limits.js";
import { command, Driver } from "./support.js";

function compactNow(driver: Driver): void {
  driver.apply(command.compact(BigInt(driver.state.currentRevision)));
}

describe("what compaction leaves to do", () => {
  test("is done in bounded steps and changes nothing that can be read", () => {
    const driver = new Driver();
    const writes = 10 * TIDY_STEP_ROWS;
    for (let i = 0; i < writes; i++) driver.put(`k${i % 10}`, `v${i}`);
    const live = driver.values("\0", "\0");
    const before = driver.state.rowBytes;
    driver.state.takeChanges();
    compactNow(driver);
    let steps = 0;
    let removed = 0;
    for (let more = true; more; steps++) {
      more = driver.state.tidy();
      const { records } = driver.state.takeChanges();
      expect(records.length).toBeLessThanOrEqual(2 * TIDY_STEP_ROWS);
      removed += records.filter((record) => record.value === null).length;
      expect(driver.values("\0", "\0")).toEqual(live);
    }
    expect(steps).toBeGreaterThan(9);
    expect(removed).toBe(writes - 10);
    expect(driver.state.rowBytes).toBeLessThan(before / 500);
    expect(driver.state.tidy()).toBe(false);
  });

  test("goes on after another compaction came in between", () => {
    const driver = new Driver();
    for (let i = 0; i < 3 * TIDY_STEP_ROWS; i++) driver.put(`k${i % 7}`, `v${i}`);
    driver.del("k3");
    driver.apply(command.compact(BigInt(TIDY_STEP_ROWS + 5)));
    driver.state.tidy();
    for (let i = 0; i < 20; i++) driver.put(`k${i % 7}`, `w${i}`);
    compactNow(driver);
    driver.tidyAll();
    const rows = driver.state.dump();
    expect([...rows].filter((record) => record.table === 4)).toHaveLength(7);
  });

  test("a row that someone holds can be read when it is long gone", () => {
    const driver = new Driver();
    const filler = "x".repeat(1000);
    driver.put("held", "the old value");
    const held = driver.state.get("held") as KvRow;
    driver.put("kept", "stays");
    const kept = driver.state.get("kept") as KvRow;
    for (let i = 0; i < STORE_SLAB_BYTES / 200; i++) driver.put("filler", filler);
    driver.put("held", "the new value");
    compactNow(driver);
    driver.tidyAll();
    // The slab in which both were has been cleared out.
    for (let i = 0; i < STORE_SLAB_BYTES / 200; i++) driver.put("filler", filler);
    compactNow(driver);
    driver.tidyAll();
    expect(toBinaryKey(held.value())).toBe("the old value");
    expect(toBinaryKey(kept.value())).toBe("stays");
    expect(driver.values("kept")).toEqual({ kept: "stays" });
    expect(driver.values("held")).toEqual({ held: "the new value" });
  });

  test("a key written without end holds no memory that grows", () => {
    const driver = new Driver();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 500; i++) driver.put("hot", "x".repeat(300));
      compactNow(driver);
      driver.tidyAll();
      driver.state.takeChanges();
      expect(driver.state.rowBytes).toBeLessThan(1000);
    }
  });
});
