import { must } from "../../shared/assert.js";
import { AtollError } from "../../shared/errors.js";
import { decodeMember, type MemberAttributes } from "./member-message.js";
import type { Mvcc } from "./mvcc.js";
import { emptyParts, type StateParts } from "./parts.js";
import { type BackendRecord, type Meta, RecordTable, readLease, readMeta } from "./records.js";
import type { Row } from "./row.js";
import { decodeRow } from "./row-decoder.js";
import { RowLog } from "./row-log.js";

function unreadable(record: BackendRecord, what: string): AtollError {
  const key = typeof record.key === "number" ? record.key : Buffer.from(record.key).toString("hex");
  return new AtollError("DATA_LOSS", `the state's record ${key} of table ${record.table} ${what}`, {
    details: { table: record.table, key },
  });
}

function readMember(record: BackendRecord, value: Uint8Array): MemberAttributes {
  const decoded = decodeMember(value);
  if (typeof decoded === "string") throw unreadable(record, `is not a member: ${decoded}`);
  return decoded.attributes;
}

/**
 * Builds a state from its records, in the order of (table, key). Rows that compaction had
 * not yet cleared away when they were written are left out, and their removal is among
 * the state's first changes.
 */
export class PartsLoader {
  #parts: StateParts | undefined;
  #meta: Meta | undefined;
  /** Ordinal of the last row. */
  #last = -1;
  /** The rows of the log have begun. */
  #logging = false;

  /** Throws DATA_LOSS naming the table and key of a record it can't read. */
  add(record: BackendRecord): void {
    const { table, value } = record;
    if (value === null) throw unreadable(record, "is empty");
    if (table === RecordTable.meta) {
      this.#addMeta(record, value);
      return;
    }
    if (this.#parts === undefined || this.#meta === undefined) {
      throw unreadable(record, "comes before the meta record");
    }
    switch (table) {
      case RecordTable.members:
        this.#addMember(this.#parts, record, value);
        return;
      case RecordTable.leases:
        this.#addLease(this.#parts, record, value);
        return;
      case RecordTable.rows:
        this.#addRow(this.#parts, this.#meta, record, value);
        return;
      case RecordTable.removedMembers:
        this.#addRemoved(this.#parts, record, value);
        return;
      default:
        throw unreadable(record, "is of a table that this program doesn't know");
    }
  }

  /** The state; DATA_LOSS when there was no meta record. */
  finish(): StateParts {
    const parts = this.#parts;
    const meta = this.#meta;
    if (parts === undefined || meta === undefined) {
      throw new AtollError("DATA_LOSS", "the state has no meta record");
    }
    const { mvcc } = parts;
    if (!this.#logging) mvcc.log = new RowLog(meta.nextOrdinal);
    if (mvcc.log.next !== meta.nextOrdinal || this.#last >= meta.nextOrdinal) {
      throw new AtollError(
        "DATA_LOSS",
        `the state's rows end at ${this.#last}, its meta record says ${meta.nextOrdinal - 1}`,
      );
    }
    return parts;
  }

  #addMeta(record: BackendRecord, value: Uint8Array): void {
    const meta = readMeta(value);
    if (typeof meta === "string") throw unreadable(record, meta);
    const parts = emptyParts(meta.confState, meta.chain.value);
    parts.index = meta.index;
    parts.term = meta.term;
    parts.mvcc.revision = meta.revision;
    parts.mvcc.compactRevision = meta.compactRevision;
    this.#parts = parts;
    this.#meta = meta;
  }

  #addMember({ membership }: StateParts, record: BackendRecord, value: Uint8Array): void {
    const member = readMember(record, value);
    if (membership.put(member) === undefined) {
      throw unreadable(record, "is of a member that doesn't belong to the group");
    }
  }

  #addRemoved({ membership }: StateParts, record: BackendRecord, value: Uint8Array): void {
    if (!membership.putRemoved(readMember(record, value))) {
      throw unreadable(record, "is of a removed member that belongs to the group");
    }
  }

  #addLease({ mvcc }: StateParts, record: BackendRecord, value: Uint8Array): void {
    const lease = typeof record.key === "number" ? undefined : readLease(record.key, value);
    if (lease === undefined) throw unreadable(record, "is not a lease");
    mvcc.leases.add(lease);
  }

  #addRow({ mvcc }: StateParts, meta: Meta, record: BackendRecord, value: Uint8Array): void {
    const ordinal = record.key;
    if (typeof ordinal !== "number" || ordinal <= this.#last) {
      throw unreadable(record, "is out of order");
    }
    this.#last = ordinal;
    const fields = decodeRow(value);
    if (fields === undefined) throw unreadable(record, "is not a KeyValue");
    const row = mvcc.arena.adopt(fields, ordinal, value);
    const history = mvcc.keys.get(row.key);
    const before = history?.current();
    if (before !== undefined) mvcc.leases.detach(before.lease, row.key);
    if (row.lease !== 0n) mvcc.leases.get(row.lease)?.keys.add(row.key);
    mvcc.keys.add(history, row);
    if (row.modRevision >= meta.compactRevision) this.#log(mvcc, record, row);
    if (row.modRevision <= meta.compactRevision) dropHidden(mvcc, row);
  }

  #log(mvcc: Mvcc, record: BackendRecord, row: Row): void {
    if (!this.#logging) mvcc.log = new RowLog(row.ordinal);
    this.#logging = true;
    if (mvcc.log.next !== row.ordinal) throw unreadable(record, "comes after a gap");
    mvcc.log.push(row);
  }
}

/** Does for a row at or below the compact revision what Compactor does. */
function dropHidden(mvcc: Mvcc, row: Row): void {
  const { compactRevision } = mvcc;
  const history = must(mvcc.keys.get(row.key), "a row that was added has a history");
  for (const hidden of history.dropBefore(compactRevision)) {
    if (hidden.modRevision < compactRevision) mvcc.discard(hidden);
  }
  if (row.version === 0 && row.modRevision < compactRevision) {
    mvcc.discard(row);
    if (!history.dropFirst()) mvcc.keys.remove(row.key);
  }
}
