import { ELECTION_TICKS, TICK_MS } from "../../shared/limits.js";
import type { Status } from "../raft/index.js";

const SICK_AFTER_MS = ELECTION_TICKS * TICK_MS;

/**
 * Whom a leader with a sick disk should hand over to: a voter that has made durable what
 * this leader, after more than an election timeout, could not. Undefined while the disk is
 * well, or while nobody's is better (a hiccup of shared storage): then resigning helps nobody.
 */
export function healthierLeader(
  status: Status,
  disk: { readonly oldestPendingMs: number; readonly durableIndex: number },
): number | undefined {
  if (status.progress === null || disk.oldestPendingMs <= SICK_AFTER_MS) return undefined;
  return bestFollower(status, disk.durableIndex + 1);
}

/** The live voter whose log reaches furthest, at least to `leastMatch`. */
export function bestFollower(status: Status, leastMatch: number): number | undefined {
  let best: { id: number; match: number } | undefined;
  for (const { id, match, isLearner, recentActive } of status.progress?.values() ?? []) {
    if (id === status.id || isLearner || !recentActive || match < leastMatch) continue;
    if (best === undefined || match > best.match) best = { id, match };
  }
  return best?.id;
}
