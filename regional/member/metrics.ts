import { Counter, Gauge, Histogram, type Registry } from "../../shared/metrics.js";
import type { CallObserver } from "../../shared/rpc/handlers.js";
import type { MemberStats } from "./stats.js";

const GAUGES: readonly [string, string, (stats: MemberStats) => number][] = [
  ["is_leader", "1 on the leader", (s) => Number(s.isLeader)],
  ["has_leader", "1 while a leader is known", (s) => Number(s.hasLeader)],
  ["is_learner", "1 on a member that only follows", (s) => Number(s.isLearner)],
  ["term", "Raft term", (s) => s.term],
  ["commit_index", "Index of the last committed entry", (s) => s.commitIndex],
  ["applied_index", "Index of the last applied entry", (s) => s.appliedIndex],
  ["log_durable_index", "Index of the last entry on disk", (s) => s.durableIndex],
  ["state_durable_index", "Index through which state is durable", (s) => s.stateDurableIndex],
  ["proposals_pending", "Proposals not answered yet", (s) => s.proposalsPending],
  ["revision", "Revision of the last write", (s) => s.revision],
  ["compact_revision", "Revision of the last compaction", (s) => s.compactRevision],
  ["keys", "Keys that exist", (s) => s.keys],
  ["leases", "Leases that the leader watches over", (s) => s.leases],
  ["watchers", "Watchers", (s) => s.watchers],
  ["watchers_behind", "Watchers that are catching up", (s) => s.watchersBehind],
  ["log_entries", "Entries in the log", (s) => s.logEntries],
  ["log_bytes", "Bytes of the entries in the log", (s) => s.logBytes],
  ["log_pending_bytes", "Bytes waiting for the log's disk", (s) => s.logPendingBytes],
  [
    "log_oldest_pending_seconds",
    "Age of the oldest append not durable yet",
    (s) => s.logOldestPendingMs / 1000,
  ],
  ["db_bytes", "Bytes of the state database", (s) => s.dbBytes],
  ["db_in_use_bytes", "Bytes of the state database in use", (s) => s.dbBytesInUse],
  ["disk_free_bytes", "Bytes free on the disk; -1 when unknown", (s) => s.diskFreeBytes],
  ["disk_low", "1 while this member has too little room", (s) => Number(s.diskLow)],
  ["disk_full", "1 while writes wait for room on a full disk", (s) => Number(s.diskFull)],
  ["lacks_room", "1 while a majority has too little room", (s) => Number(s.lacksRoom)],
  ["audited_index", "Highest index with equal hash chains", (s) => s.auditedIndex],
  ["state_disputed", "1 while states differ and no majority can judge", (s) => Number(s.disputed)],
  ["db_pending_bytes", "Bytes waiting for the state database", (s) => s.dbPendingBytes],
  ["snapshots_sending", "Snapshots on their way, or waiting for it", (s) => s.snapshotsSending],
  ["snapshots_receiving", "Snapshots coming in", (s) => s.snapshotsReceiving],
  [
    "snapshot_limit_bytes_per_second",
    "Bytes of snapshots sent in a second at most",
    (s) => s.snapshotBytesPerSecond,
  ],
];

const COUNTERS: readonly [string, string, (stats: MemberStats) => number][] = [
  ["leader_changes_total", "Changes of the known leader", (s) => s.leaderChanges],
  ["proposals_total", "Proposals of this member", (s) => s.proposals],
  [
    "proposals_failed_total",
    "Proposals that failed for reasons of the group",
    (s) => s.proposalsFailed,
  ],
  ["entries_applied_total", "Entries applied", (s) => s.entriesApplied],
  ["commands_failed_total", "Commands whose outcome was an error", (s) => s.commandsFailed],
  ["linearizable_reads_total", "Linearizable reads asked for", (s) => s.reads],
  ["read_index_rounds_total", "ReadIndex rounds answered", (s) => s.readRounds],
  ["leases_expired_total", "Leases that this member let expire", (s) => s.leasesExpired],
  ["log_compactions_total", "Times the log was cut", (s) => s.compactions],
  ["snapshots_sent_total", "Snapshots delivered to members", (s) => s.snapshotsSent],
  ["snapshots_failed_total", "Snapshot transfers that broke off", (s) => s.snapshotsFailed],
  ["snapshot_sent_bytes_total", "Bytes of snapshots sent", (s) => s.snapshotSentBytes],
  [
    "snapshot_sent_resumed_bytes_total",
    "Bytes of snapshots not sent because the receiver had them",
    (s) => s.snapshotSentResumedBytes,
  ],
  ["snapshot_received_bytes_total", "Bytes of snapshots received", (s) => s.snapshotReceivedBytes],
  [
    "snapshot_received_resumed_bytes_total",
    "Bytes of snapshots that an earlier transfer had brought",
    (s) => s.snapshotReceivedResumedBytes,
  ],
  [
    "snapshot_throttled_seconds_total",
    "Time that snapshots waited for the limit",
    (s) => s.snapshotThrottledSeconds,
  ],
  ["snapshots_installed_total", "Snapshots installed", (s) => s.snapshotsInstalled],
  ["disk_handovers_total", "Times leadership was left for the disk", (s) => s.diskHandovers],
  ["audits_agreed_total", "Comparisons of states that found all equal", (s) => s.auditsAgreed],
  ["audits_differing_total", "Comparisons that found a difference", (s) => s.auditsDiffering],
  ["audit_walks_total", "Walks over all keys that this leader led", (s) => s.auditWalks],
  ["peer_received_bytes_total", "Bytes received from members", (s) => s.receivedBytes],
];

const DISK_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];
const CALL_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10];
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const PREFIX = "atoll_regional_";

/** A member's metrics; they cost something by the batch or by the scrape, not by the request. */
export class MemberMetrics {
  readonly #registry: Registry;
  readonly #logSync: Histogram;
  readonly #logBatch: Histogram;
  readonly #stateWrite: Histogram;
  readonly #checkpoint: Histogram;
  readonly #gauges: readonly (readonly [Gauge, (stats: MemberStats) => number])[];
  readonly #counters: readonly (readonly [Counter, (stats: MemberStats) => number])[];
  readonly #peerSent: Counter;
  readonly #peerDropped: Counter;
  readonly #peerConnected: Gauge;
  readonly #members: Gauge;
  readonly #diverged: Gauge;
  readonly #peerPending: Gauge;
  readonly #peerSync: Gauge;
  readonly #callCount: Counter;
  readonly #callSeconds: Counter;
  readonly #calls = new Map<string, { method: string; code: string; count: number; sum: number }>();

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    const histogram = (name: string, help: string, buckets: number[]): Histogram =>
      new Histogram({ name: PREFIX + name, help, buckets, registers });
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({ name: PREFIX + name, help, labelNames, registers });
    const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
      new Counter({ name: PREFIX + name, help, labelNames, registers });
    this.#logSync = histogram("log_sync_seconds", "A transaction of the log", DISK_BUCKETS);
    this.#logBatch = histogram("log_batch_entries", "Entries in one of them", BATCH_BUCKETS);
    this.#stateWrite = histogram("state_write_seconds", "A transaction of state", DISK_BUCKETS);
    this.#checkpoint = histogram("state_checkpoint_seconds", "A state checkpoint", CALL_BUCKETS);
    this.#gauges = GAUGES.map(([name, help, read]) => [gauge(name, help), read]);
    this.#counters = COUNTERS.map(([name, help, read]) => [counter(name, help), read]);
    this.#peerSent = counter("peer_sent_bytes_total", "Bytes sent to a member", ["peer"]);
    this.#peerDropped = counter("peer_dropped_total", "Messages not sent to a member", ["peer"]);
    this.#members = gauge("members", "Members of the group by role", ["role"]);
    this.#peerConnected = gauge("peer_connected", "1 while connected to a member", ["peer"]);
    const pending = "Age of the oldest append that waits for a member's disk";
    this.#peerPending = gauge("peer_disk_pending_seconds", pending, ["peer"]);
    this.#peerSync = gauge("peer_disk_sync_seconds", "A member's log transaction", ["peer"]);
    this.#diverged = gauge("diverged", "1: this member's state has diverged", ["peer"]);
    this.#callCount = counter("calls_total", "Finished calls", ["method", "code"]);
    this.#callSeconds = counter("call_seconds_total", "Time in them", ["method", "code"]);
  }

  /** Counts finished calls by method and code. */
  readonly observeCall: CallObserver = (method, code, seconds) => {
    const key = `${method} ${code}`;
    const known = this.#calls.get(key);
    if (known === undefined) this.#calls.set(key, { method, code, count: 1, sum: seconds });
    else {
      known.count++;
      known.sum += seconds;
    }
  };

  logSynced(seconds: number, entries: number): void {
    this.#logSync.observe(seconds);
    this.#logBatch.observe(entries);
  }

  stateWritten(seconds: number): void {
    this.#stateWrite.observe(seconds);
  }

  checkpointed(seconds: number): void {
    this.#checkpoint.observe(seconds);
  }

  /** Everything in Prometheus's text format. */
  render(stats: MemberStats): Promise<string> {
    for (const [gauge, read] of this.#gauges) gauge.set(read(stats));
    for (const [counter, read] of this.#counters) {
      counter.reset();
      counter.inc(read(stats));
    }
    for (const vector of [this.#peerSent, this.#peerDropped, this.#callCount, this.#callSeconds]) {
      vector.reset();
    }
    this.#members.set({ role: "voter" }, stats.voters);
    this.#members.set({ role: "learner" }, stats.learners);
    this.#peerConnected.reset();
    for (const peer of stats.peers) {
      const labels = { peer: peer.id.toString(16) };
      this.#peerSent.inc(labels, peer.sentBytes);
      this.#peerDropped.inc(labels, peer.dropped);
      this.#peerConnected.set(labels, Number(peer.connected));
    }
    this.#peerPending.reset();
    this.#peerSync.reset();
    for (const [id, { oldestPendingMs, syncMs }] of stats.peerDisks) {
      this.#peerPending.set({ peer: id.toString(16) }, oldestPendingMs / 1000);
      this.#peerSync.set({ peer: id.toString(16) }, syncMs / 1000);
    }
    this.#diverged.reset();
    for (const id of stats.diverged) this.#diverged.set({ peer: id.toString(16) }, 1);
    for (const { method, code, count, sum } of this.#calls.values()) {
      this.#callCount.inc({ method, code }, count);
      this.#callSeconds.inc({ method, code }, sum);
    }
    return this.#registry.metrics();
  }
}
