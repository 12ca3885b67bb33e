import type {
  DeleteRangeOutcome,
  PutOutcome,
  RangeOutcome,
  TxnOpOutcome,
  TxnOutcome,
} from "../store/outcome.js";
import type { KvRow } from "../store/row.js";
import { innerHeaderSize, type ResponseHeaders, writeInnerHeader } from "./response-header.js";
import {
  allocate,
  bytesFieldSize,
  numberFieldSize,
  writeBytesHead,
  writeNumberField,
} from "./wire.js";

/** PutResponse.prev_kv, RangeResponse.kvs, TxnResponse.succeeded, and so on: tag bytes. */
const PUT_PREV_KV = 0x12;
const RANGE_KVS = 0x12;
const RANGE_MORE = 0x18;
const RANGE_COUNT = 0x20;
const DELETE_DELETED = 0x10;
const DELETE_PREV_KVS = 0x1a;
const TXN_SUCCEEDED = 0x10;
const TXN_RESPONSES = 0x1a;

/** ResponseOp's field of each kind. */
const OP_TAG = { range: 0x0a, put: 0x12, deleteRange: 0x1a, txn: 0x22 } as const;

function rowsSize(rows: readonly KvRow[]): number {
  let size = 0;
  for (const row of rows) size += bytesFieldSize(row.byteLength);
  return size;
}

function writeRow(into: Uint8Array, at: number, tag: number, row: KvRow): number {
  return row.copyTo(into, writeBytesHead(into, at, tag, row.byteLength));
}

function writeRows(into: Uint8Array, at: number, tag: number, rows: readonly KvRow[]): number {
  let position = at;
  for (const row of rows) position = writeRow(into, position, tag, row);
  return position;
}

/** The keys of a keys-only range, encoded; undefined where the rows themselves are the answer. */
function keysOf(outcome: RangeOutcome): Uint8Array[] | undefined {
  return outcome.keysOnly ? outcome.kvs.map((row) => row.keyBytes()) : undefined;
}

/** An answer whose header is not yet written: its size, and how to write it. */
interface Body {
  readonly size: number;
  write(into: Uint8Array, at: number): number;
}

function putBody({ prevKv }: PutOutcome): Body {
  return {
    size: prevKv === undefined ? 0 : bytesFieldSize(prevKv.byteLength),
    write: (into, at) => (prevKv === undefined ? at : writeRow(into, at, PUT_PREV_KV, prevKv)),
  };
}

function rangeBody(outcome: RangeOutcome): Body {
  const keys = keysOf(outcome);
  let size = (outcome.more ? 2 : 0) + numberFieldSize(outcome.count);
  if (keys === undefined) size += rowsSize(outcome.kvs);
  else for (const key of keys) size += bytesFieldSize(key.length);
  return {
    size,
    write: (into, at) => {
      let position = at;
      if (keys === undefined) position = writeRows(into, at, RANGE_KVS, outcome.kvs);
      for (const key of keys ?? []) {
        position = writeBytesHead(into, position, RANGE_KVS, key.length);
        into.set(key, position);
        position += key.length;
      }
      position = writeNumberField(into, position, RANGE_MORE, outcome.more ? 1 : 0);
      return writeNumberField(into, position, RANGE_COUNT, outcome.count);
    },
  };
}

function deleteBody({ deleted, prevKvs }: DeleteRangeOutcome): Body {
  return {
    size: numberFieldSize(deleted) + rowsSize(prevKvs),
    write: (into, at) =>
      writeRows(
        into,
        writeNumberField(into, at, DELETE_DELETED, deleted),
        DELETE_PREV_KVS,
        prevKvs,
      ),
  };
}

function opBody(outcome: TxnOpOutcome): Body {
  switch (outcome.kind) {
    case "put":
      return putBody(outcome);
    case "range":
      return rangeBody(outcome);
    case "deleteRange":
      return deleteBody(outcome);
    case "txn":
      return txnBody(outcome);
  }
}

/** One ResponseOp with its inner header. */
function responseOp(outcome: TxnOpOutcome): Body {
  const body = opBody(outcome);
  const inner = innerHeaderSize(outcome.revision) + body.size;
  return {
    size: bytesFieldSize(inner),
    write: (into, at) => {
      const start = writeBytesHead(into, at, OP_TAG[outcome.kind], inner);
      return body.write(into, writeInnerHeader(into, start, outcome.revision));
    },
  };
}

const EMPTY_OP: Body = { size: 0, write: (_, at) => at };

function txnBody({ succeeded, responses }: TxnOutcome): Body {
  const ops = responses.map((one) => (one === undefined ? EMPTY_OP : responseOp(one)));
  let size = succeeded ? 2 : 0;
  for (const op of ops) size += bytesFieldSize(op.size);
  return {
    size,
    write: (into, at) => {
      let position = writeNumberField(into, at, TXN_SUCCEEDED, succeeded ? 1 : 0);
      for (const op of ops) {
        position = op.write(into, writeBytesHead(into, position, TXN_RESPONSES, op.size));
      }
      return position;
    },
  };
}

/**
 * Answers to KV calls as encoded responses. Pairs are copied from the store's encoded rows;
 * nothing is decoded, and no integer becomes a bigint.
 */
export class KvAnswers {
  readonly #headers: ResponseHeaders;

  constructor(headers: ResponseHeaders) {
    this.#headers = headers;
  }

  /** A response that has a header only: CompactionResponse, LeaseRevokeResponse. */
  header(revision: number): Uint8Array {
    const answer = allocate(this.#headers.fieldSize(revision));
    this.#headers.writeField(answer, 0, revision);
    return answer;
  }

  /** PutResponse. */
  put(outcome: PutOutcome): Uint8Array {
    return outcome.prevKv === undefined
      ? this.header(outcome.revision)
      : this.#encode(outcome.revision, putBody(outcome));
  }

  /** RangeResponse. */
  range(outcome: RangeOutcome): Uint8Array {
    return this.#encode(outcome.revision, rangeBody(outcome));
  }

  /** DeleteRangeResponse. */
  deleteRange(outcome: DeleteRangeOutcome): Uint8Array {
    return this.#encode(outcome.revision, deleteBody(outcome));
  }

  /** TxnResponse. */
  txn(outcome: TxnOutcome): Uint8Array {
    return this.#encode(outcome.revision, txnBody(outcome));
  }

  #encode(revision: number, body: Body): Uint8Array {
    const answer = allocate(this.#headers.fieldSize(revision) + body.size);
    body.write(answer, this.#headers.writeField(answer, 0, revision));
    return answer;
  }
}
