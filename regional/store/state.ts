import type { BinaryKey } from "../../shared/bytes.js";
import type { RangeRequest } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { ConfState } from "../raft/types.js";
import type { ErrorOutcome, Outcome, RangeOutcome } from "./outcome.js";
import type { BackendRecord } from "./records.js";
import type { KvRow } from "./row.js";

/** A lease as the log knows it; what time is left is the lessor's to say. */
export interface LeaseInfo {
  readonly id: bigint;
  /** Granted seconds. */
  readonly ttl: number;
  /** Seconds left at the last checkpoint; 0 when there was none since the last renewal. */
  readonly remainingTtl: number;
}

/** What the lessor must know of the entries that were applied. */
export type LeaseChange =
  | { readonly kind: "granted"; readonly lease: LeaseInfo }
  | { readonly kind: "checkpointed"; readonly lease: LeaseInfo }
  | { readonly kind: "revoked"; readonly id: bigint };

/** The attributes of a member; `peerUrls` and `clientUrls` in the order given. */
export interface MemberAttributes {
  readonly id: number;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** What a batch of entries changed, collected since the last call of takeChanges. */
export interface AppliedChanges {
  /** All writes in order, for WatchHub.dispatch. */
  readonly rows: readonly KvRow[];
  /** For Backend.write, in order; ends with the meta record. Never empty. */
  readonly records: readonly BackendRecord[];
  /** For Lessor.applied. */
  readonly leases: readonly LeaseChange[];
}

/** Position in the log and membership there. */
export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/**
 * A region's replicated state: etcd's multi-version key space, leases and membership, in
 * memory. Pure: the same entries give the same state, outcomes and records everywhere.
 *
 * The first revision is 1 (nothing written); the first write makes revision 2.
 */
export declare class RegionState {
  /** An empty state at position (0, 0) with the given membership. */
  constructor(confState: ConfState);

  /**
   * Begins to build a state from records (of `dump`, of a snapshot, of the state
   * database); they must come in the order of (table, key).
   */
  static loader(): StateLoader;

  /**
   * Applies a normal entry. Entries come in order of index; an entry at or below
   * appliedIndex throws (a bug of the caller). No data whatsoever makes it throw: what
   * can't be understood gives an error outcome and changes nothing but the position.
   */
  apply(index: number, term: number, data: Uint8Array): Outcome;

  /**
   * Applies an entry that changed the membership: `confState` is what the Raft core
   * returned. Attributes of members that are no longer in it are dropped.
   */
  applyConfState(index: number, term: number, confState: ConfState): void;

  /** What changed since the last call; call it once a batch. */
  takeChanges(): AppliedChanges;

  /**
   * Does a bounded part (about a millisecond at most) of what compaction left to do; true
   * while more is to do. Call it after each batch, and again in later turns while true.
   * Readers can't tell when it is done.
   */
  tidy(): boolean;

  /** Revision of the last write. */
  readonly currentRevision: number;
  /** Reads below this revision fail; -1 when nothing was compacted. */
  readonly compactRevision: number;
  readonly applied: AppliedPosition;
  /** Keys that exist. */
  readonly keyCount: number;
  /** Bytes of all rows, dead ones that are not yet tidied included. */
  readonly rowBytes: number;

  /** Range as etcd does it; errors are `compacted`, `futureRevision`, `emptyKey`. */
  range(request: RangeRequest): RangeOutcome | ErrorOutcome;

  /** The pair at the current revision. */
  get(key: BinaryKey): KvRow | undefined;

  lease(id: bigint): LeaseInfo | undefined;
  /** All leases in order of id. */
  leases(): readonly LeaseInfo[];
  /** Keys attached to a lease, in order; none when it is unknown. */
  leaseKeys(id: bigint): readonly BinaryKey[];

  /** Attributes of the members that have published them, in order of id. */
  members(): readonly MemberAttributes[];

  /**
   * Writes with modRevision >= revision, in order, at most `limit` of them but whole
   * revisions; `next` is the revision to go on from, 0 when nothing is left. The revision
   * must be at or above compactRevision.
   */
  rowsSince(revision: number, limit: number): { rows: readonly KvRow[]; next: number };

  /** The pair before the row's revision, if it existed and is not compacted. */
  previous(row: KvRow): KvRow | undefined;

  /** The whole state as records in the order of (table, key); finish before the next apply. */
  dump(): IterableIterator<BackendRecord>;
}

/** Builds a state record by record. */
export interface StateLoader {
  /** Throws AtollError DATA_LOSS naming the table and key of a record it can't read. */
  add(record: BackendRecord): void;
  /** The state; DATA_LOSS when there was no meta record. */
  finish(): RegionState;
}
