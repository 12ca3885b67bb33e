import { must } from "../../shared/assert.js";
import type { BinaryKey } from "../../shared/bytes.js";
import { Arena } from "./arena.js";
import type { KeyHistory } from "./key-history.js";
import { KeySpace } from "./key-space.js";
import type { Lease, LeaseTable } from "./lease-table.js";
import { type BackendRecord, RecordTable } from "./records.js";
import type { KvRow, Row } from "./row.js";
import { RowLog } from "./row-log.js";

/** etcd's revision of a store in which nothing was written. */
const FIRST_REVISION = 1;
/** etcd's compact revision of a store that was never compacted. */
const NEVER_COMPACTED = -1;

/**
 * The multi-version key space: keys, their histories, the log of all writes. Writes that
 * follow one another until `commit` have one revision and see each other; reads see them
 * too, so nothing may be read by others before.
 */
export class Mvcc {
  readonly keys = new KeySpace();
  readonly arena = new Arena();
  readonly leases: LeaseTable;
  log = new RowLog(0);
  /** Revision of the last committed write. */
  revision = FIRST_REVISION;
  compactRevision = NEVER_COMPACTED;
  /** Rows and records since they were last taken. */
  freshRows: Row[] = [];
  freshRecords: BackendRecord[] = [];
  #uncommitted = 0;

  constructor(leases: LeaseTable) {
    this.leases = leases;
  }

  /** Revision that a read of "now" has: the one being written, once something was. */
  get readRevision(): number {
    return this.#uncommitted > 0 ? this.revision + 1 : this.revision;
  }

  /** Writes source[start, end) as the value of a key. The lease must be in the table. */
  put(
    key: BinaryKey,
    source: Uint8Array,
    start: number,
    end: number,
    lease: Lease | undefined,
  ): void {
    const revision = this.revision + 1;
    const history = this.keys.get(key);
    const before = history?.current();
    // One string a key, however often it is written.
    const own = history === undefined ? key : history.latest.key;
    const row = this.arena.put(
      own,
      before === undefined ? revision : before.createRevision,
      revision,
      before === undefined ? 1 : before.version + 1,
      lease,
      this.log.next,
      source,
      start,
      end,
    );
    if (before !== undefined && before.lease !== 0n) this.leases.detach(before.lease, own);
    lease?.keys.add(own);
    this.#write(history, row);
  }

  /** Deletes a key that exists. */
  delete(key: BinaryKey): void {
    const history = must(this.keys.get(key), "a key that is deleted exists");
    const before = must(history.current(), "a key that is deleted exists");
    if (before.lease !== 0n) this.leases.detach(before.lease, before.key);
    this.#write(history, this.arena.tombstone(before.key, this.revision + 1, this.log.next));
  }

  #write(history: KeyHistory | undefined, row: Row): void {
    this.keys.add(history, row);
    this.log.push(row);
    this.freshRows.push(row);
    this.freshRecords.push({ table: RecordTable.rows, key: row.ordinal, value: row.bytes() });
    this.#uncommitted++;
  }

  /** Ends a command: what was written since the last call is now the current revision. */
  commit(): void {
    if (this.#uncommitted > 0) this.revision++;
    this.#uncommitted = 0;
  }

  /** The pair before a row's revision, if it existed and is not compacted. */
  previous(row: KvRow): Row | undefined {
    const revision = row.modRevision - 1;
    return revision < this.compactRevision ? undefined : this.keys.get(row.key)?.at(revision);
  }

  /** Gives up a row for good. */
  discard(row: Row): void {
    this.arena.release(row);
    this.freshRecords.push({ table: RecordTable.rows, key: row.ordinal, value: null });
  }
}
