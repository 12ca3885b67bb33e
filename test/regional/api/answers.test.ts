import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { KvAnswers } from "../../../regional/api/kv-answers.js";
import { ResponseHeaders } from "../../../regional/api/response-header.js";
import { int64Size, varintSize, writeInt64, writeVarint } from "../../../regional/api/wire.js";
import type { RangeOutcome, TxnOpOutcome, TxnOutcome } from "../../../regional/store/outcome.js";
import type { KvRow } from "../../../regional/store/row.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import {
  type DeleteRangeResponse,
  DeleteRangeResponseSchema,
  type PutResponse,
  PutResponseSchema,
  type RangeResponse,
  RangeResponseSchema,
  type ResponseHeader,
  ResponseHeaderSchema,
  type ResponseOp,
  ResponseOpSchema,
  type TxnResponse,
  TxnResponseSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type KeyValue, KeyValueSchema } from "../../../shared/gen/etcd/mvccpb/kv_pb.js";

/** Hand-made answers must be what protobuf-es would have encoded. */

const safe = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const source = { clusterId: 2n ** 51n + 5n, memberId: 2 ** 50 + 1, raftTerm: 300 };
const headers = new ResponseHeaders(source);
const answers = new KvAnswers(headers);

interface Pair {
  readonly row: KvRow;
  readonly message: KeyValue;
}

const pair: fc.Arbitrary<Pair> = fc
  .record({
    key: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    value: fc.uint8Array({ maxLength: 200 }),
    createRevision: safe,
    modRevision: safe,
    version: safe,
    lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  })
  .map((fields) => {
    const message = create(KeyValueSchema, {
      key: fields.key,
      value: fields.value,
      createRevision: BigInt(fields.createRevision),
      modRevision: BigInt(fields.modRevision),
      version: BigInt(fields.version),
      lease: fields.lease,
    });
    const bytes = toBinary(KeyValueSchema, message);
    const row: KvRow = {
      ...fields,
      key: toBinaryKey(fields.key),
      ordinal: 1,
      byteLength: bytes.length,
      bytes: () => bytes,
      copyTo: (target, at) => {
        target.set(bytes, at);
        return at + bytes.length;
      },
      keyBytes: () => toBinary(KeyValueSchema, { ...message, value: new Uint8Array(0) }),
      value: () => fields.value,
    };
    return { row, message };
  });

/** An outcome and the message that must come of it, header aside. */
interface Case<O, M> {
  readonly outcome: O;
  readonly message: M;
}

function header(revision: number): ResponseHeader {
  return headers.message(revision);
}

const putCase = fc.record({ revision: safe, prev: fc.option(pair) }).map(({ revision, prev }) => ({
  outcome: { kind: "put" as const, revision, prevKv: prev?.row },
  message: create(PutResponseSchema, prev === null ? {} : { prevKv: prev.message }),
}));

const deleteCase = fc
  .record({ revision: safe, deleted: safe, prev: fc.array(pair, { maxLength: 4 }) })
  .map(({ revision, deleted, prev }) => ({
    outcome: {
      kind: "deleteRange" as const,
      revision,
      deleted,
      prevKvs: prev.map(({ row }) => row),
    },
    message: create(DeleteRangeResponseSchema, {
      deleted: BigInt(deleted),
      prevKvs: prev.map(({ message }) => message),
    }),
  }));

const rangeCase: fc.Arbitrary<Case<RangeOutcome, RangeResponse>> = fc
  .record({
    revision: safe,
    more: fc.boolean(),
    keysOnly: fc.boolean(),
    count: safe,
    pairs: fc.array(pair, { maxLength: 5 }),
  })
  .map(({ pairs, ...rest }) => ({
    outcome: { kind: "range", ...rest, kvs: pairs.map(({ row }) => row) },
    message: create(RangeResponseSchema, {
      more: rest.more,
      count: BigInt(rest.count),
      kvs: pairs.map(({ message }) =>
        rest.keysOnly ? { ...message, value: new Uint8Array(0) } : message,
      ),
    }),
  }));

type OpCase = Case<TxnOpOutcome | undefined, ResponseOp>;

/** A response as an operation's, with etcd's inner header. */
function opOf(
  outcome: TxnOpOutcome,
  name: "responsePut" | "responseDeleteRange" | "responseRange" | "responseTxn",
  message: PutResponse | DeleteRangeResponse | RangeResponse | TxnResponse,
): OpCase {
  const inner = create(ResponseHeaderSchema, { revision: BigInt(outcome.revision) });
  const value = { ...message, header: inner };
  return {
    outcome,
    message: create(ResponseOpSchema, { response: { case: name, value } as never }),
  };
}

const { txnCase } = fc.letrec<{ txnCase: Case<TxnOutcome, TxnResponse>; op: OpCase }>((tie) => ({
  op: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constant<OpCase>({ outcome: undefined, message: create(ResponseOpSchema) }),
    putCase.map(({ outcome, message }) => opOf(outcome, "responsePut", message)),
    deleteCase.map(({ outcome, message }) => opOf(outcome, "responseDeleteRange", message)),
    rangeCase.map(({ outcome, message }) => opOf(outcome, "responseRange", message)),
    tie("txnCase").map(({ outcome, message }) =>
      opOf({ ...outcome, revision: 0 }, "responseTxn", message),
    ),
  ),
  txnCase: fc
    .record({ revision: safe, succeeded: fc.boolean(), ops: fc.array(tie("op"), { maxLength: 3 }) })
    .map(({ revision, succeeded, ops }) => ({
      outcome: { kind: "txn", revision, succeeded, responses: ops.map(({ outcome }) => outcome) },
      message: create(TxnResponseSchema, {
        succeeded,
        responses: ops.map(({ message }) => message),
      }),
    })),
}));

describe("answers as protobuf-es would encode them", () => {
  test.prop([putCase])("PutResponse", ({ outcome, message }) => {
    const wanted = { ...message, header: header(outcome.revision) };
    expect([...answers.put(outcome)]).toEqual([...toBinary(PutResponseSchema, wanted)]);
  });

  test.prop([deleteCase])("DeleteRangeResponse", ({ outcome, message }) => {
    const wanted = { ...message, header: header(outcome.revision) };
    const encoded = toBinary(DeleteRangeResponseSchema, wanted);
    expect([...answers.deleteRange(outcome)]).toEqual([...encoded]);
  });

  test.prop([rangeCase])("RangeResponse", ({ outcome, message }) => {
    const wanted = { ...message, header: header(outcome.revision) };
    expect([...answers.range(outcome)]).toEqual([...toBinary(RangeResponseSchema, wanted)]);
  });

  test.prop([txnCase])("TxnResponse", ({ outcome, message }) => {
    const wanted = { ...message, header: header(outcome.revision) };
    expect([...answers.txn(outcome)]).toEqual([...toBinary(TxnResponseSchema, wanted)]);
  });
});

describe("integers on the wire", () => {
  test.prop([safe])("varints", (value) => {
    const into = new Uint8Array(16);
    const end = writeVarint(into, 1, value);
    expect([...into.subarray(1, end)]).toEqual([...new BinaryWriter().uint64(value).finish()]);
    expect(varintSize(value)).toBe(end - 1);
  });

  test.prop([fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })])("int64", (value) => {
    const into = new Uint8Array(16);
    const end = writeInt64(into, 0, value);
    expect([...into.subarray(0, end)]).toEqual([...new BinaryWriter().int64(value).finish()]);
    expect(int64Size(value)).toBe(end);
  });
});
