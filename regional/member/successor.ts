import type { Status } from "../raft/index.js";

/**
 * Whom a leader that goes by itself should hand over to: a connected voter, one that was heard
 * of lately before others, then one that has all that is committed, then the one of the highest
 * priority, then the one whose log reaches furthest. Undefined when it doesn't lead or is alone.
 * (Just after a check of the quorum nobody counts as heard of.)
 */
export function successorOf(
  status: Status,
  isConnected: (id: number) => boolean,
): number | undefined {
  const candidates = [...(status.progress?.values() ?? [])]
    .filter(({ id, isLearner }) => id !== status.id && !isLearner && isConnected(id))
    .sort(
      (a, b) =>
        Number(b.recentActive) - Number(a.recentActive) ||
        Number(b.match >= status.commit) - Number(a.match >= status.commit) ||
        b.priority - a.priority ||
        b.match - a.match,
    );
  return candidates[0]?.id;
}
