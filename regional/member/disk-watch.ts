import { DISK_REPORT_VALID_MS, ELECTION_TICKS, TICK_MS } from "../../shared/limits.js";
import type { DiskReport } from "../peer/disk-wire.js";
import type { Status } from "../raft/index.js";

/** A disk that lets an append wait for longer is sick: an election timeout. */
export const SICK_AFTER_MS = ELECTION_TICKS * TICK_MS;

/** The latest reports of other members on their disks. */
export class DiskReports {
  readonly #reports = new Map<number, { readonly report: DiskReport; readonly atMs: number }>();

  put(member: number, report: DiskReport, nowMs: number): void {
    this.#reports.set(member, { report, atMs: nowMs });
  }

  /** A member's report; undefined when there is none, or none that is still worth anything. */
  get(member: number, nowMs: number): DiskReport | undefined {
    const latest = this.#reports.get(member);
    return latest === undefined || nowMs - latest.atMs > DISK_REPORT_VALID_MS
      ? undefined
      : latest.report;
  }

  /** Whether a member has said lately that its disk takes what it is given. */
  healthy(member: number, nowMs: number): boolean {
    const report = this.get(member, nowMs);
    return report !== undefined && report.oldestPendingMs < SICK_AFTER_MS / 2;
  }
}

/**
 * Whether a region must refuse what makes its data grow: fewer than a majority of its voters
 * have room. One whose report is missing is taken to have some.
 */
export function lacksRoom(voters: readonly number[], isLow: (member: number) => boolean): boolean {
  const withRoom = voters.filter((member) => !isLow(member)).length;
  return voters.length > 0 && withRoom <= voters.length / 2;
}

/** A leader's own disk. */
export interface LeaderDisk {
  readonly oldestPendingMs: number;
  readonly durableIndex: number;
}

/**
 * Whom a leader with a sick disk should hand over to: a voter that has made durable what
 * this leader, after more than an election timeout, could not, and says that its disk is
 * well. Undefined while the leader's own disk is well, or while nobody's is better (a hiccup
 * of shared storage): then resigning helps nobody.
 */
export function healthierLeader(
  status: Status,
  disk: LeaderDisk,
  healthy: (member: number) => boolean,
): number | undefined {
  if (status.progress === null || disk.oldestPendingMs <= SICK_AFTER_MS) return undefined;
  return bestFollower(status, disk.durableIndex + 1, healthy);
}

/** The live voter whose log reaches furthest, at least to `leastMatch`, of those that `suits`. */
export function bestFollower(
  status: Status,
  leastMatch: number,
  suits: (member: number) => boolean = () => true,
): number | undefined {
  let best: { id: number; match: number } | undefined;
  for (const { id, match, isLearner, recentActive } of status.progress?.values() ?? []) {
    if (id === status.id || isLearner || !recentActive || match < leastMatch) continue;
    if (suits(id) && (best === undefined || match > best.match)) best = { id, match };
  }
  return best?.id;
}
