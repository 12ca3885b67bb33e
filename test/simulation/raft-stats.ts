/** What happened in a world, or in many. */
export interface RaftStats {
  elections: number;
  /** Times that a follower dropped entries which conflicted with its leader's. */
  truncations: number;
  snapshotsSent: number;
  snapshotsInstalled: number;
  compactions: number;
  crashes: number;
  /** Crashes of all members at once. */
  powerCuts: number;
  /** Writes to a log that a crash took back. */
  writesLost: number;
  partitions: number;
  diskStalls: number;
  messages: number;
  messagesLost: number;
  messagesDoubled: number;
  /** Messages that overtook an earlier one on their way. */
  messagesReordered: number;
  /** Leaders that stepped down because they heard from no quorum. */
  quorumsLost: number;
  transfers: number;
  /** Membership changes that took effect on some member. */
  confChanges: number;
  /** Reports of durable entries that came too late to count (the ABA race). */
  staleAcks: number;
  writesAcknowledged: number;
  writesUnknown: number;
  readsAnswered: number;
}

export function noStats(): RaftStats {
  return {
    elections: 0,
    truncations: 0,
    snapshotsSent: 0,
    snapshotsInstalled: 0,
    compactions: 0,
    crashes: 0,
    powerCuts: 0,
    writesLost: 0,
    partitions: 0,
    diskStalls: 0,
    messages: 0,
    messagesLost: 0,
    messagesDoubled: 0,
    messagesReordered: 0,
    quorumsLost: 0,
    transfers: 0,
    confChanges: 0,
    staleAcks: 0,
    writesAcknowledged: 0,
    writesUnknown: 0,
    readsAnswered: 0,
  };
}

/** Adds `stats` to `totals`. */
export function addStats(totals: RaftStats, stats: RaftStats): void {
  for (const name of Object.keys(totals) as (keyof RaftStats)[]) totals[name] += stats[name];
}
