import { assert } from "../../shared/assert.js";
import type { BinaryKey } from "../../shared/bytes.js";
import type { RangeRequest } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { HISTORY_READ_BYTES, TIDY_STEP_ROWS } from "../../shared/limits.js";
import { type ConfChange, type ConfState, EMPTY_CONF_STATE } from "../raft/types.js";
import { applyCommand } from "./apply.js";
import { applyConfChange } from "./apply-members.js";
import { absorbConfState, absorbEntry } from "./chain-outcome.js";
import { digestSlice, digestTables, type SliceBounds, sliceEnd } from "./digest.js";
import { dumpParts, metaOf } from "./dump.js";
import type { EtcdError } from "./etcd-errors.js";
import type { LeaseInfo } from "./lease-table.js";
import type { LeaseChange } from "./lease-writes.js";
import { PartsLoader } from "./loader.js";
import type { MemberChange } from "./member-change.js";
import type { MemberAttributes } from "./member-message.js";
import type { ErrorOutcome, Outcome, RangeOutcome } from "./outcome.js";
import { emptyParts, type StateParts } from "./parts.js";
import { range } from "./range.js";
import type { BackendRecord } from "./records.js";
import type { KvRow, Row } from "./row.js";

export type { LeaseInfo } from "./lease-table.js";
export type { LeaseChange } from "./lease-writes.js";
export type { MemberAttributes } from "./member-message.js";
export { memberIds } from "./membership.js";

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

/** Whole revisions of history. */
export interface RowsSince {
  readonly rows: readonly KvRow[];
  /** The revision to go on from; 0 when nothing is left. */
  readonly next: number;
}

/** Builds a state record by record. */
export interface StateLoader {
  /** Throws AtollError DATA_LOSS naming the table and key of a record it can't read. */
  add(record: BackendRecord): void;
  /** The state; DATA_LOSS when there was no meta record. */
  finish(): RegionState;
}

/**
 * A region's replicated state: etcd's multi-version key space, leases and membership, in
 * memory. Pure: the same entries give the same state, outcomes and records everywhere.
 *
 * The first revision is 1 (nothing written); the first write makes revision 2.
 */
export class RegionState {
  readonly #parts: StateParts;

  /** An empty state at position (0, 0) with the given membership; `parts` is the loader's. */
  constructor(confState: ConfState, parts: StateParts = emptyParts(confState)) {
    this.#parts = parts;
  }

  /** The state of a new group: empty, with its first members as voters. */
  static origin(members: readonly MemberAttributes[]): RegionState {
    const voters = members.map(({ id }) => id).sort((a, b) => a - b);
    const confState = { ...EMPTY_CONF_STATE, voters };
    const parts = emptyParts(confState);
    for (const member of members) {
      const record = parts.membership.put(member);
      if (record !== undefined) parts.mvcc.freshRecords.push(record);
    }
    return new RegionState(confState, parts);
  }

  /**
   * Begins to build a state from records (of `dump`, of a snapshot, of the state
   * database); they must come in the order of (table, key).
   */
  static loader(): StateLoader {
    const loader = new PartsLoader();
    return {
      add: (record) => loader.add(record),
      finish: () => {
        const parts = loader.finish();
        return new RegionState(parts.membership.confState, parts);
      },
    };
  }

  /**
   * Applies a normal entry. Entries come in order of index; an entry at or below the
   * applied index throws (a bug of the caller). No data whatsoever makes it throw: what
   * can't be understood gives an error outcome and changes nothing but the position.
   */
  apply(index: number, term: number, data: Uint8Array): Outcome {
    const { chain, mvcc } = this.#advance(index, term);
    const firstRow = mvcc.freshRows.length;
    const firstRecord = mvcc.freshRecords.length;
    const outcome = applyCommand(this.#parts, term, data);
    const { freshRows: rows, freshRecords: records } = mvcc;
    absorbEntry(chain, index, outcome, { rows, firstRow, records, firstRecord });
    return outcome;
  }

  /**
   * Applies an entry that changes the membership. `reconfigure` is the Raft core's
   * applyConfChange: it is called once, with what is left of the change after this state has
   * struck out what must not be, and gives the configuration that follows.
   */
  applyConfChange(
    index: number,
    term: number,
    change: ConfChange,
    reconfigure: (change: ConfChange) => ConfState,
  ): Outcome {
    const parts = this.#advance(index, term);
    const { chain, membership, mvcc } = parts;
    const firstRecord = mvcc.freshRecords.length;
    const outcome = applyConfChange(parts, change, reconfigure);
    const effects = { rows: [], firstRow: 0, records: mvcc.freshRecords, firstRecord };
    absorbConfState(chain, index, outcome, membership.confState, effects);
    return outcome;
  }

  #advance(index: number, term: number): StateParts {
    const parts = this.#parts;
    assert(index > parts.index, () => `entry ${index} after ${parts.index}`);
    parts.index = index;
    parts.term = term;
    return parts;
  }

  /** What changed since the last call; call it once a batch. */
  takeChanges(): AppliedChanges {
    const { mvcc, leases } = this.#parts;
    const changes = {
      rows: mvcc.freshRows,
      records: mvcc.freshRecords,
      leases: leases.changes,
    };
    changes.records.push(metaOf(this.#parts));
    mvcc.freshRows = [];
    mvcc.freshRecords = [];
    leases.changes = [];
    return changes;
  }

  /**
   * Does a bounded part (about a millisecond at most) of what compaction left to do; true
   * while more is to do. Call it after each batch, and again in later turns while true.
   * Readers can't tell when it is done.
   */
  tidy(): boolean {
    const { compactor, mvcc } = this.#parts;
    return compactor.step(TIDY_STEP_ROWS) || mvcc.arena.clearOne();
  }

  /** Revision of the last write. */
  get currentRevision(): number {
    return this.#parts.mvcc.revision;
  }

  /** Reads below this revision fail; -1 when nothing was compacted. */
  get compactRevision(): number {
    return this.#parts.mvcc.compactRevision;
  }

  get applied(): AppliedPosition {
    const { index, term, membership } = this.#parts;
    return { index, term, confState: membership.confState };
  }

  /**
   * The hash chain over what each entry through the applied one did (chain.ts): equal on
   * all members at one index, however entries were batched and whatever was restarted.
   */
  get chain(): string {
    return this.#parts.chain.value;
  }

  /** Keys that exist. */
  get keyCount(): number {
    return this.#parts.mvcc.keys.live;
  }

  /** Bytes of all rows, those that are yet to be tidied away included. */
  get rowBytes(): number {
    return this.#parts.mvcc.arena.live;
  }

  /** Range as etcd does it; errors are `compacted`, `futureRevision`, `emptyKey`. */
  range(request: RangeRequest): RangeOutcome | ErrorOutcome {
    return range(this.#parts.mvcc, request);
  }

  /** The pair at the current revision. */
  get(key: BinaryKey): KvRow | undefined {
    return this.#parts.mvcc.keys.get(key)?.current();
  }

  /** Where a slice of the key space from `from` on ends; undefined: where the key space does. */
  sliceEnd(from: BinaryKey, bounds: SliceBounds): BinaryKey | undefined {
    return sliceEnd(this.#parts.mvcc, from, bounds);
  }

  /** A hash of the pairs of [from, to) at a revision that is not compacted; see digest.ts. */
  digest(revision: number, from: BinaryKey, to: BinaryKey | undefined): string {
    return digestSlice(this.#parts.mvcc, revision, from, to);
  }

  /** A hash of all that is not a pair at the applied index; see digest.ts. */
  digestTables(leases: number): string {
    return digestTables(this.#parts, leases);
  }

  lease(id: bigint): LeaseInfo | undefined {
    return this.#parts.mvcc.leases.get(id)?.info();
  }

  /** All leases in order of id. */
  leases(): readonly LeaseInfo[] {
    return this.#parts.mvcc.leases.sorted().map((lease) => lease.info());
  }

  /** Keys attached to a lease, in order; none when it is unknown. */
  leaseKeys(id: bigint): readonly BinaryKey[] {
    return this.#parts.mvcc.leases.get(id)?.sortedKeys() ?? [];
  }

  /** What is known of the members, in order of id. */
  members(): readonly MemberAttributes[] {
    return this.#parts.membership.members();
  }

  /** What is known of one member. */
  member(id: number): MemberAttributes | undefined {
    return this.#parts.membership.get(id);
  }

  /** Whether a member of this id was part of the group once and is no more, for ever. */
  isRemoved(id: number): boolean {
    return this.#parts.membership.isRemoved(id);
  }

  /** Why a change of the membership would be refused now; undefined when it would be made. */
  refusal(change: MemberChange): EtcdError | undefined {
    return this.#parts.membership.refusal(change);
  }

  /**
   * Writes with modRevision >= revision, in order: `limit` of them or
   * HISTORY_READ_BYTES, whichever comes first, and the rest of the last one's revision.
   * The revision must be at or above compactRevision.
   */
  rowsSince(revision: number, limit: number): RowsSince {
    const { log } = this.#parts.mvcc;
    const rows: Row[] = [];
    let bytes = 0;
    for (let ordinal = log.find(revision); ; ordinal++) {
      const row = log.at(ordinal);
      if (row === undefined) return { rows, next: 0 };
      const enough = rows.length >= limit || bytes >= HISTORY_READ_BYTES;
      if (enough && row.modRevision !== rows.at(-1)?.modRevision) {
        return { rows, next: row.modRevision };
      }
      rows.push(row);
      bytes += row.byteLength;
    }
  }

  /** The pair before the row's revision, if it existed and is not compacted. */
  previous(row: KvRow): KvRow | undefined {
    return this.#parts.mvcc.previous(row);
  }

  /** The whole state as records in the order of (table, key); finish before the next apply. */
  dump(): IterableIterator<BackendRecord> {
    while (this.#parts.compactor.step(TIDY_STEP_ROWS));
    return dumpParts(this.#parts);
  }
}
