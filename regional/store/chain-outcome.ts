import type { ConfState } from "../raft/types.js";
import type { HashChain } from "./chain.js";
import type { Outcome, TxnOpOutcome } from "./outcome.js";
import { type BackendRecord, RecordTable } from "./records.js";
import type { KvRow, Row } from "./row.js";

/** What stands for each kind of outcome in the chain; never to be changed, only added to. */
const MARKS = {
  none: 1,
  error: 2,
  put: 3,
  deleteRange: 4,
  txn: 5,
  range: 6,
  compaction: 7,
  leaseGrant: 8,
  leaseRevoke: 9,
  leaseExpire: 10,
  leaseCheckpoint: 11,
  member: 12,
} as const satisfies Record<Outcome["kind"] | TxnOpOutcome["kind"], number>;

/** The configuration after a change of the membership. */
const CONF_STATE_MARK = 13;
/** An empty operation of a transaction. */
const EMPTY_MARK = 14;

/** What an entry wrote: parts of what the state has collected since changes were last taken. */
export interface EntryEffects {
  readonly rows: readonly Row[];
  readonly firstRow: number;
  readonly records: readonly BackendRecord[];
  readonly firstRecord: number;
}

/**
 * Absorbs what an entry did: its index, all of its outcome, and all that it wrote (rows with
 * every revision and the value, leases, members). Nothing in it depends on how entries were
 * batched, on when compaction cleared up, or on who proposed.
 */
export function absorbEntry(
  chain: HashChain,
  index: number,
  outcome: Outcome,
  effects: EntryEffects,
): void {
  const { rows, records, firstRow, firstRecord } = effects;
  const written = rows.length - firstRow;
  const others = records.length - firstRecord - written;
  chain.words(index, Math.floor(index / 2 ** 32), written, others);
  absorbOutcome(chain, outcome);
  for (let i = firstRow; i < rows.length; i++) absorbWritten(chain, rows[i] as Row);
  if (others === 0) return;
  for (let i = firstRecord; i < records.length; i++) {
    const record = records[i] as BackendRecord;
    if (record.table !== RecordTable.rows) absorbRecord(chain, record);
  }
}

/** Absorbs an entry that changed the membership. */
export function absorbConfState(
  chain: HashChain,
  index: number,
  outcome: Outcome,
  confState: ConfState,
  effects: EntryEffects,
): void {
  absorbEntry(chain, index, outcome, effects);
  absorbMembership(chain, confState);
}

/** Absorbs a membership, in whatever order its ids are listed. */
export function absorbMembership(chain: HashChain, confState: ConfState): void {
  const { voters, learners, votersOutgoing, learnersNext, autoLeave } = confState;
  chain.words(CONF_STATE_MARK, Number(autoLeave), 0, 0);
  for (const ids of [voters, learners, votersOutgoing, learnersNext]) {
    chain.numbers(ids.length, 0);
    for (const id of [...ids].sort((a, b) => a - b)) chain.numbers(id, 0);
  }
}

function absorbWritten(chain: HashChain, row: Row): void {
  chain.span(row.slab.view, row.offset, row.byteLength);
}

/** Absorbs a record, or its removal. */
export function absorbRecord(chain: HashChain, { table, key, value }: BackendRecord): void {
  chain.words(table, value === null ? 0 : 1, 0, 0);
  if (typeof key === "number") chain.numbers(key, 0);
  else chain.bytes(key);
  if (value !== null) chain.bytes(value);
}

function absorbRow(chain: HashChain, row: KvRow): void {
  chain.bytes(row.bytes());
}

function absorbRows(chain: HashChain, rows: readonly KvRow[]): void {
  chain.numbers(rows.length, 0);
  for (const row of rows) absorbRow(chain, row);
}

/** Begins an outcome: its kind, its revision and one number more. */
function absorbHead(chain: HashChain, mark: number, revision: number, more: number): void {
  chain.words(mark, revision, Math.floor(revision / 2 ** 32), more);
}

function absorbOutcome(chain: HashChain, outcome: Outcome | TxnOpOutcome): void {
  const { kind, revision } = outcome;
  const mark = MARKS[kind];
  switch (kind) {
    case "put":
      absorbHead(chain, mark, revision, Number(outcome.prevKv !== undefined));
      if (outcome.prevKv !== undefined) absorbRow(chain, outcome.prevKv);
      return;
    case "deleteRange":
      absorbHead(chain, mark, revision, outcome.deleted);
      absorbRows(chain, outcome.prevKvs);
      return;
    case "range":
      absorbHead(chain, mark, revision, outcome.count);
      chain.words(Number(outcome.keysOnly), Number(outcome.more), 0, 0);
      absorbRows(chain, outcome.kvs);
      return;
    case "txn":
      absorbHead(chain, mark, revision, outcome.responses.length * 2 + Number(outcome.succeeded));
      for (const response of outcome.responses) {
        if (response === undefined) chain.words(EMPTY_MARK, 0, 0, 0);
        else absorbOutcome(chain, response);
      }
      return;
    case "leaseGrant":
      absorbHead(chain, mark, revision, 0);
      chain.int64s(outcome.id, BigInt(outcome.ttl));
      return;
    case "leaseExpire":
      absorbHead(chain, mark, revision, outcome.expired.length);
      for (const id of outcome.expired) chain.int64s(id, 0n);
      return;
    case "error":
      absorbHead(chain, mark, revision, 0);
      chain.text(outcome.error.code);
      chain.text(outcome.error.message);
      return;
    case "compaction":
    case "leaseRevoke":
    case "leaseCheckpoint":
    case "member":
    case "none":
      absorbHead(chain, mark, revision, 0);
      return;
  }
}
