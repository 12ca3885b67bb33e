import { describe, expect, it } from "vitest";
import {
  bestFollower,
  DiskReports,
  healthierLeader,
  lacksRoom,
  SICK_AFTER_MS,
} from "../../../regional/member/disk-watch.js";
import { DISK_REPORT_VALID_MS } from "../../../shared/limits.js";
import { leading, progress } from "./raft-status.js";

describe("a leader with a stuck disk", () => {
  const all = () => true;
  const stuck = { oldestPendingMs: 1_500, durableIndex: 10 };

  it("hands over to whoever made durable what it could not", () => {
    const status = leading(progress(1, 10), progress(2, 12), progress(3, 11));
    expect(healthierLeader(status, stuck, all)).toBe(2);
  });

  it("stays when nobody's disk is better, or its own is well", () => {
    const nobody = leading(progress(1, 10), progress(2, 10), progress(3, 9));
    expect(healthierLeader(nobody, stuck, all)).toBeUndefined();
    const better = leading(progress(1, 10), progress(2, 12));
    expect(
      healthierLeader(better, { oldestPendingMs: 900, durableIndex: 10 }, all),
    ).toBeUndefined();
    expect(healthierLeader({ ...better, progress: null }, stuck, all)).toBeUndefined();
  });

  it("passes over those that don't say that their disk is well", () => {
    const reports = new DiskReports();
    const status = leading(progress(1, 10), progress(2, 12), progress(3, 11), progress(4, 13));
    const well = (): number | undefined =>
      healthierLeader(status, stuck, (member) => reports.healthy(member, 10_000));
    expect(well()).toBeUndefined();
    reports.put(2, { low: false, oldestPendingMs: SICK_AFTER_MS, syncMs: 1 }, 9_900);
    reports.put(
      4,
      { low: false, oldestPendingMs: 0, syncMs: 1 },
      10_000 - DISK_REPORT_VALID_MS - 1,
    );
    expect(well()).toBeUndefined();
    reports.put(3, { low: false, oldestPendingMs: 3, syncMs: 1 }, 9_900);
    expect(well()).toBe(3);
  });

  it("passes over learners and silent members", () => {
    const status = leading(
      progress(1, 10),
      progress(2, 12, { recentActive: false }),
      progress(3, 12, { isLearner: true }),
      progress(4, 11),
    );
    expect(healthierLeader(status, stuck, all)).toBe(4);
    expect(bestFollower(status, 12)).toBeUndefined();
  });
});

describe("a region whose disks have too little room", () => {
  it("refuses writes when fewer than a majority have some", () => {
    const low = (...members: number[]) =>
      lacksRoom([1, 2, 3], (member) => members.includes(member));
    expect(low()).toBe(false);
    expect(low(2)).toBe(false);
    expect(low(2, 3)).toBe(true);
    expect(lacksRoom([1], () => true)).toBe(true);
    expect(lacksRoom([1, 2], (member) => member === 1)).toBe(true);
    expect(lacksRoom([], () => true)).toBe(false);
  });
});
