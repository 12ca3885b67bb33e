import { CHAIN_VERSION } from "./chain.js";
import type { StateParts } from "./parts.js";
import {
  type BackendRecord,
  leaseRecord,
  metaRecord,
  RECORDS_VERSION,
  RecordTable,
} from "./records.js";
import type { Row } from "./row.js";

/** The meta record of a state as it is now. */
export function metaOf({ mvcc, membership, chain, index, term }: StateParts): BackendRecord {
  const { voters, learners, votersOutgoing, learnersNext, autoLeave } = membership.confState;
  return metaRecord({
    version: RECORDS_VERSION,
    revision: mvcc.revision,
    compactRevision: mvcc.compactRevision,
    nextOrdinal: mvcc.log.next,
    index,
    term,
    confState: { voters, learners, votersOutgoing, learnersNext, autoLeave },
    chain: { version: CHAIN_VERSION, value: chain.value },
  });
}

/** All records of a state that is tidied, in the order of (table, key). */
export function* dumpParts(parts: StateParts): IterableIterator<BackendRecord> {
  const { mvcc, membership } = parts;
  yield metaOf(parts);
  yield* membership.records();
  for (const lease of mvcc.leases.sorted()) yield leaseRecord(lease.id, lease);
  for (const row of rowsBeforeLog(parts)) yield rowRecord(row);
  for (let ordinal = mvcc.log.head; ordinal < mvcc.log.next; ordinal++) {
    const row = mvcc.log.at(ordinal);
    if (row !== undefined) yield rowRecord(row);
  }
  yield* membership.removedRecords();
}

function rowRecord(row: Row): BackendRecord {
  return { table: RecordTable.rows, key: row.ordinal, value: row.bytes() };
}

/** The rows that reads at the compact revision need and the log has no more. */
function rowsBeforeLog({ mvcc }: StateParts): Row[] {
  const rows: Row[] = [];
  mvcc.keys.scan("", undefined, (history) => {
    const row = history.first();
    if (row.ordinal < mvcc.log.head) rows.push(row);
    return true;
  });
  return rows.sort((a, b) => a.ordinal - b.ordinal);
}
