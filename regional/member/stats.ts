import type { DiskReport } from "../peer/disk-wire.js";
import type { PeerStats } from "../peer/transport.js";
import { NO_NODE } from "../raft/index.js";
import type { MemberEngine } from "./engine.js";

/** Numbers of a member at one moment; counters count since the start. */
export interface MemberStats {
  readonly isLeader: boolean;
  readonly hasLeader: boolean;
  readonly isLearner: boolean;
  readonly voters: number;
  readonly learners: number;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly durableIndex: number;
  readonly stateDurableIndex: number;
  readonly leaderChanges: number;
  readonly proposals: number;
  readonly proposalsFailed: number;
  readonly proposalsPending: number;
  readonly entriesApplied: number;
  readonly commandsFailed: number;
  readonly reads: number;
  readonly readRounds: number;
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
  readonly leases: number;
  readonly leasesExpired: number;
  readonly watchers: number;
  readonly watchersBehind: number;
  readonly logEntries: number;
  readonly logBytes: number;
  readonly logPendingBytes: number;
  readonly logOldestPendingMs: number;
  readonly compactions: number;
  readonly dbBytes: number;
  readonly dbBytesInUse: number;
  readonly dbPendingBytes: number;
  readonly snapshotsSent: number;
  readonly snapshotsFailed: number;
  readonly snapshotsInstalled: number;
  readonly snapshotsSending: number;
  readonly snapshotsReceiving: number;
  readonly snapshotSentBytes: number;
  readonly snapshotSentResumedBytes: number;
  readonly snapshotReceivedBytes: number;
  readonly snapshotReceivedResumedBytes: number;
  readonly snapshotThrottledSeconds: number;
  readonly snapshotBytesPerSecond: number;
  readonly receivedBytes: number;
  /** Highest index at which all members that said something had the same hash chain. */
  readonly auditedIndex: number;
  readonly auditsAgreed: number;
  readonly auditsDiffering: number;
  readonly auditWalks: number;
  /** Members whose state is known not to be the majority's. */
  readonly diverged: readonly number[];
  /** States differ, and nobody can say whose is right. */
  readonly disputed: boolean;
  /** Bytes free on the data directory's disk; -1 when unknown. */
  readonly diskFreeBytes: number;
  readonly diskLow: boolean;
  /** Appends, or records of the state, wait for room on a full disk. */
  readonly diskFull: boolean;
  readonly lacksRoom: boolean;
  readonly diskHandovers: number;
  /** What other members have said of their disks lately, by id. */
  readonly peerDisks: ReadonlyMap<number, DiskReport>;
  readonly peers: readonly PeerStats[];
}

/** The numbers of a member at this moment. */
export function statsOf(engine: MemberEngine): MemberStats {
  const { driver, applier, storage, hub, leases, outgoing, incoming, compactor, transport } =
    engine;
  const { findings, walk } = engine.auditor;
  const { connections, disks } = engine;
  const { log, backend } = storage;
  const { state } = applier;
  const { confState } = state.applied;
  return {
    isLeader: driver.lead === driver.self,
    hasLeader: driver.lead !== NO_NODE,
    isLearner: connections.isLearner,
    voters: confState.voters.length,
    learners: confState.learners.length,
    term: driver.term,
    commitIndex: driver.commit,
    appliedIndex: applier.applied,
    durableIndex: log.durableIndex,
    stateDurableIndex: backend.durableAppliedIndex,
    leaderChanges: driver.leaderChanges,
    proposals: driver.proposals.proposed,
    proposalsFailed: driver.proposals.failed,
    proposalsPending: driver.proposals.pendingCount,
    entriesApplied: applier.entries,
    commandsFailed: applier.failures,
    reads: driver.reads.reads,
    readRounds: driver.reads.rounds,
    revision: state.currentRevision,
    compactRevision: state.compactRevision,
    keys: state.keyCount,
    leases: leases.size,
    leasesExpired: leases.expired,
    watchers: hub.watcherCount,
    watchersBehind: hub.unsyncedCount,
    logEntries: log.lastIndex() - log.base.index,
    logBytes: log.retainedBytes,
    logPendingBytes: log.pendingBytes,
    logOldestPendingMs: log.oldestPendingMs(),
    compactions: compactor.compactions,
    dbBytes: backend.size.total,
    dbBytesInUse: backend.size.inUse,
    dbPendingBytes: backend.pendingBytes,
    snapshotsSent: outgoing.delivered,
    snapshotsFailed: outgoing.failed,
    snapshotsInstalled: incoming.installed,
    snapshotsSending: outgoing.underWay,
    snapshotsReceiving: incoming.underWay,
    snapshotSentBytes: outgoing.sentBytes,
    snapshotSentResumedBytes: outgoing.resumedBytes,
    snapshotReceivedBytes: incoming.receivedBytes,
    snapshotReceivedResumedBytes: incoming.resumedBytes,
    snapshotThrottledSeconds: outgoing.throttledSeconds,
    snapshotBytesPerSecond: transport.snapshotBytesPerSecond,
    receivedBytes: transport.receivedBytes,
    auditedIndex: findings.agreedIndex,
    auditsAgreed: findings.agreements,
    auditsDiffering: findings.disagreements,
    auditWalks: walk.finished,
    diverged: findings.outliers.map(({ member }) => member),
    disputed: findings.dispute !== undefined,
    diskFreeBytes: disks.space.free ?? -1,
    diskLow: disks.own.low,
    diskFull: log.full !== undefined || backend.full !== undefined,
    lacksRoom: disks.regionLacksRoom,
    diskHandovers: disks.handovers,
    peerDisks: disks.peerReports(transport.peers().map(({ id }) => id)),
    peers: transport.peers(),
  };
}
