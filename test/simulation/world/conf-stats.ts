import type { ConfState } from "../../../regional/raft/index.js";
import type { WorldStats } from "./stats.js";

function without(ids: readonly number[], others: readonly number[]): number {
  return ids.filter((id) => !others.includes(id)).length;
}

/** Counts what a membership change consisted of. */
export function countChange(stats: WorldStats, before: ConfState, after: ConfState): void {
  stats.configurationChanges++;
  if (before.votersOutgoing.length === 0 && after.votersOutgoing.length > 0) stats.jointChanges++;
  const nowLearners = [...after.learners, ...after.learnersNext];
  stats.learnersAdded += without(nowLearners, [...before.learners, ...before.learnersNext]);
  stats.votersRemoved += without(before.voters, after.voters);
  stats.learnersPromoted += before.learners.filter((id) => after.voters.includes(id)).length;
}
