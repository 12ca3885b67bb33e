import { create, toBinary } from "@bufbuild/protobuf";
import { CommandKind, encodeCommand } from "../../../regional/store/command.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import type { KvRow } from "../../../regional/store/row.js";
import { fromUtf8, toBinaryKey, utf8 } from "../../../shared/bytes.js";
import {
  CompactionRequestSchema,
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  DeleteRangeRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  RequestOpSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Value } from "../linearizability/key-value.js";

/** What a client asks for, on one key. What a write writes is its operation's id. */
export type Request =
  | { readonly kind: "get" | "put" | "delete"; readonly key: number }
  | { readonly kind: "swap"; readonly key: number; readonly expected: Value };

const LONGEST_PADDING = 60;

function keyBytes(key: number): Uint8Array {
  return utf8(`key${key}`);
}

/** A key as the state knows it. */
export function keyName(key: number): string {
  return toBinaryKey(keyBytes(key));
}

/** A value as bytes, of various lengths. */
function valueBytes(value: number): Uint8Array {
  const digits = String(value);
  return utf8(digits.padEnd(digits.length + ((value * 7) % LONGEST_PADDING), "-"));
}

/** The value in a row; null for none. What is no value at all, after a flipped bit, is NaN. */
export function valueOf(row: KvRow | undefined): Value {
  return row === undefined ? null : Number.parseInt(fromUtf8(row.value()), 10);
}

function bodyOfSwap(name: Uint8Array, expected: Value, value: number): Uint8Array {
  const condition =
    expected === null
      ? { target: Compare_CompareTarget.VERSION, targetUnion: { case: "version", value: 0n } }
      : {
          target: Compare_CompareTarget.VALUE,
          targetUnion: { case: "value", value: valueBytes(expected) },
        };
  const read = create(RequestOpSchema, {
    request: { case: "requestRange", value: create(RangeRequestSchema, { key: name }) },
  });
  const put = create(PutRequestSchema, { key: name, value: valueBytes(value) });
  const write = create(RequestOpSchema, { request: { case: "requestPut", value: put } });
  const compare = create(CompareSchema, {
    key: name,
    result: Compare_CompareResult.EQUAL,
    target: condition.target,
    targetUnion: condition.targetUnion as never,
  });
  const txn = { compare: [compare], success: [read, write], failure: [read] };
  return toBinary(TxnRequestSchema, create(TxnRequestSchema, txn));
}

/** A write as the data of a log entry. Each answers with the value before it. */
export function encodeWrite(request: Request, proposer: number, operation: number): Uint8Array {
  const key = keyBytes(request.key);
  if (request.kind === "swap") {
    const body = bodyOfSwap(key, request.expected, operation);
    return encodeCommand(CommandKind.txn, proposer, operation, body);
  }
  if (request.kind === "delete") {
    const body = create(DeleteRangeRequestSchema, { key, prevKv: true });
    const bytes = toBinary(DeleteRangeRequestSchema, body);
    return encodeCommand(CommandKind.deleteRange, proposer, operation, bytes);
  }
  const body = create(PutRequestSchema, { key, value: valueBytes(operation), prevKv: true });
  const bytes = toBinary(PutRequestSchema, body);
  return encodeCommand(CommandKind.put, proposer, operation, bytes);
}

/** A compaction of history, which nobody waits for. */
export function encodeCompaction(proposer: number, revision: number): Uint8Array {
  const body = create(CompactionRequestSchema, { revision: BigInt(revision) });
  const bytes = toBinary(CompactionRequestSchema, body);
  return encodeCommand(CommandKind.compaction, proposer, 0, bytes);
}

/** The value before a write, as its outcome tells. */
export function seenBy(outcome: Outcome): Value {
  switch (outcome.kind) {
    case "put":
      return valueOf(outcome.prevKv);
    case "deleteRange":
      return valueOf(outcome.prevKvs[0]);
    case "txn": {
      const read = outcome.responses[0];
      if (read?.kind === "range") return valueOf(read.kvs[0]);
      break;
    }
    default:
  }
  throw new Error(`an outcome of kind ${outcome.kind} is no answer to a client's write`);
}
