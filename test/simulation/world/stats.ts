const NOTHING = {
  /** Leaders that came to be. */
  elections: 0,
  /** Leaders that stepped down because they heard from no quorum. */
  quorumsLost: 0,
  /** Entries that members dropped because they conflicted with the leader's. */
  entriesTruncated: 0,
  /** Reports of durable entries that came too late to count (the ABA race). */
  staleAcks: 0,
  snapshotsSent: 0,
  snapshotsInstalled: 0,
  compactions: 0,
  /** Membership changes that took effect, and what they consisted of. */
  configurationChanges: 0,
  jointChanges: 0,
  learnersAdded: 0,
  learnersPromoted: 0,
  votersRemoved: 0,
  transfersAsked: 0,
  /** Leaders that came to be because the one before handed over. */
  leaderTransfers: 0,
  /** All that was done to a world by way of faults; some of them follow. */
  faults: 0,
  crashes: 0,
  /** Crashes of all members at once. */
  powerCuts: 0,
  pauses: 0,
  partitions: 0,
  oneWayPartitions: 0,
  /** Two members that could not reach each other, but both reached others. */
  linksCut: 0,
  /** Writes to a log that a crash took back. */
  writesLost: 0,
  /** Last records of a log that a crash left incomplete. */
  tornRecords: 0,
  diskStalls: 0,
  diskWriteErrors: 0,
  diskReadErrors: 0,
  disksFull: 0,
  clockRateChanges: 0,
  clockJumps: 0,
  bitFlips: 0,
  /** Members that stopped because the others' states were another one. */
  membersDiverged: 0,
  messages: 0,
  messagesLost: 0,
  messagesDoubled: 0,
  /** Messages that overtook an earlier one on their way. */
  messagesReordered: 0,
  /** What clients asked for and a member took on; then what became of it. */
  operations: 0,
  writesAcknowledged: 0,
  readsAnswered: 0,
  operationsUnanswered: 0,
  /** What members refused to take on: no leader, a full disk, … */
  operationsRefused: 0,
};

/** What happened in a world, or in many. */
export type WorldStats = { -readonly [K in keyof typeof NOTHING]: number };

export function noStats(): WorldStats {
  return { ...NOTHING };
}

/** Adds `stats` to `totals`. */
export function addStats(totals: WorldStats, stats: WorldStats): void {
  for (const name of Object.keys(NOTHING) as (keyof WorldStats)[]) totals[name] += stats[name];
}
