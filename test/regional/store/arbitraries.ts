import { create } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import {
  type Compare,
  CompareSchema,
  DeleteRangeRequestSchema,
  type PutRequest,
  PutRequestSchema,
  type RangeRequest,
  RangeRequestSchema,
  type RequestOp,
  RequestOpSchema,
  type TxnRequest,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { bytes } from "./support.js";

/** Few keys, so that they are written again and again; with the awkward ones. */
export const KEYS = ["\0", "a", "a\0", "aa", "ab", "b", "c\xff", "\xff", "\xff\xff"] as const;

const keyText = fc.constantFrom(...KEYS);
const key = keyText.map(bytes);
const end = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constant("\0") },
  { weight: 2, arbitrary: keyText },
);
const rangeEnd = end.map(bytes);
const value = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.uint8Array({ minLength: 100, maxLength: 300 }),
);
export const LEASES = [1n, 2n, -3n, 2n ** 62n] as const;
const lease = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.constantFrom(...LEASES) },
);
const flag = fc.oneof(
  { weight: 4, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
const revision = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt(-3n, 40n) },
);

export const put: fc.Arbitrary<PutRequest> = fc
  .record({ key, value, lease, prevKv: flag, ignoreValue: flag, ignoreLease: flag })
  .map((fields) =>
    create(PutRequestSchema, {
      ...fields,
      // A client that asks to keep one gives none; etcd refuses else.
      value: fields.ignoreValue ? new Uint8Array(0) : fields.value,
      lease: fields.ignoreLease ? 0n : fields.lease,
    }),
  );

const deleteFields = fc.record({ key, rangeEnd, prevKv: flag });
export const deleteRange = deleteFields.map((fields) => create(DeleteRangeRequestSchema, fields));

const range: fc.Arbitrary<RangeRequest> = fc
  .record({
    key,
    rangeEnd,
    limit: fc.oneof(fc.constant(0n), fc.bigInt(-1n, 4n)),
    revision,
    sortOrder: fc.nat(2),
    sortTarget: fc.nat(4),
    keysOnly: flag,
    countOnly: flag,
    minModRevision: revision,
    maxModRevision: revision,
    minCreateRevision: revision,
    maxCreateRevision: revision,
  })
  .map((fields) => create(RangeRequestSchema, fields));

const compare: fc.Arbitrary<Compare> = fc
  .record({
    key,
    rangeEnd,
    result: fc.nat(3),
    target: fc.nat(4),
    targetUnion: fc.oneof(
      fc.record({ case: fc.constant("version" as const), value: fc.bigInt(0n, 3n) }),
      fc.record({ case: fc.constant("createRevision" as const), value: fc.bigInt(0n, 9n) }),
      fc.record({ case: fc.constant("modRevision" as const), value: fc.bigInt(0n, 9n) }),
      fc.record({ case: fc.constant("lease" as const), value: lease }),
      fc.record({ case: fc.constant("value" as const), value }),
    ),
  })
  .map((fields) => create(CompareSchema, fields));

const { txn: txnArbitrary } = fc.letrec<{ txn: TxnRequest; op: RequestOp }>((tie) => ({
  op: fc.oneof(
    { maxDepth: 3, depthIdentifier: "txn" },
    put.map((request) => op({ case: "requestPut", value: request })),
    deleteRange.map((request) => op({ case: "requestDeleteRange", value: request })),
    range.map((request) => op({ case: "requestRange", value: request })),
    fc.constant(op({ case: undefined })),
    tie("txn").map((request) => op({ case: "requestTxn", value: request })),
  ),
  txn: fc
    .record({
      compare: fc.array(compare, { maxLength: 2 }),
      success: fc.array(tie("op"), { maxLength: 4, depthIdentifier: "txn" }),
      failure: fc.array(tie("op"), { maxLength: 3, depthIdentifier: "txn" }),
    })
    .map((fields) => create(TxnRequestSchema, fields)),
}));

function op(request: RequestOp["request"]): RequestOp {
  return create(RequestOpSchema, { request });
}

export const txn = txnArbitrary;

/** What a test does next. */
export type Action =
  | { readonly do: "put"; readonly request: PutRequest }
  | { readonly do: "delete"; readonly key: string; readonly end: string; readonly prevKv: boolean }
  | { readonly do: "txn"; readonly request: TxnRequest }
  | { readonly do: "range"; readonly request: RangeRequest }
  | { readonly do: "compact"; readonly back: number }
  | { readonly do: "grant" | "revoke"; readonly lease: bigint }
  | { readonly do: "expire"; readonly leases: readonly bigint[] }
  | { readonly do: "tidy" | "reload" | "crash" };

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: put.map((request) => ({ do: "put", request }) as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("delete" as const),
      key: keyText,
      end,
      prevKv: flag,
    }),
  },
  { weight: 5, arbitrary: txn.map((request) => ({ do: "txn", request }) as const) },
  { weight: 3, arbitrary: range.map((request) => ({ do: "range", request }) as const) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: -1, max: 8 }).map((back) => ({ do: "compact", back }) as const),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("grant" as const, "revoke" as const),
      lease: fc.constantFrom(...LEASES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("expire" as const),
      leases: fc.array(fc.constantFrom(...LEASES), { maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("tidy" as const, "reload" as const, "crash" as const),
    }),
  },
);
