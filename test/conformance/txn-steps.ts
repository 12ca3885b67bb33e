import type { MessageInitShape } from "@bufbuild/protobuf";
import { utf8 } from "../../shared/bytes.js";
import {
  type CompareSchema,
  KV,
  type RequestOpSchema,
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type Step, step } from "./raw.js";

const { txn, put, range } = KV.method;
type Op = MessageInitShape<typeof RequestOpSchema>;
type CompareInit = MessageInitShape<typeof CompareSchema>;
const ZERO = new Uint8Array(1);

const putOp = (key: string, value = "v", more: object = {}): Op => ({
  request: { case: "requestPut", value: { key: utf8(key), value: utf8(value), ...more } },
});
const getOp = (key: string, more: object = {}): Op => ({
  request: { case: "requestRange", value: { key: utf8(key), ...more } },
});
const delOp = (key: string, end = "", more: object = {}): Op => ({
  request: { case: "requestDeleteRange", value: { key: utf8(key), rangeEnd: utf8(end), ...more } },
});
const txnOp = (success: Op[], failure: Op[] = [], compare: CompareInit[] = []): Op => ({
  request: { case: "requestTxn", value: { compare, success, failure } },
});
const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

function compareOf(target: Target, key: string, wanted: number): CompareInit {
  const common = { target, key: utf8(key) };
  switch (target) {
    case Target.VERSION:
      return { ...common, targetUnion: { case: "version", value: BigInt(wanted) } };
    case Target.CREATE:
      return { ...common, targetUnion: { case: "createRevision", value: BigInt(wanted) } };
    case Target.MOD:
      return { ...common, targetUnion: { case: "modRevision", value: BigInt(wanted) } };
    case Target.LEASE:
      return { ...common, targetUnion: { case: "lease", value: BigInt(wanted) } };
    case Target.VALUE:
      return { ...common, targetUnion: { case: "value", value: utf8(String(wanted)) } };
  }
}

/** Every target by every relation, on a key that is there and on one that is not. */
function compareSteps(): Step[] {
  const steps: Step[] = [];
  const targets = [Target.VERSION, Target.CREATE, Target.MOD, Target.VALUE, Target.LEASE];
  for (const target of targets) {
    for (const result of [Result.EQUAL, Result.GREATER, Result.LESS, Result.NOT_EQUAL]) {
      for (const key of ["t/a", "none"]) {
        for (const wanted of [0, 1, 2]) {
          const compare = { ...compareOf(target, key, wanted), result };
          const title = `${key} ${Target[target]} ${Result[result]} ${wanted}`;
          steps.push(step(title, txn, { compare: [compare] }));
        }
      }
    }
  }
  return steps;
}

function rangeCompare(target: Target, wanted: number, result: Result, end = "t0"): CompareInit {
  return { ...compareOf(target, "t/", wanted), rangeEnd: utf8(end), result };
}

/** Requests that must be refused before anything is proposed. */
const REFUSED: readonly Step[] = [
  step("an operation that is none", txn, { success: [{}] }),
  step("a comparison without a key", txn, { compare: [{}] }),
  step("a put without a key", txn, { success: [putOp("")] }),
  step("a get without a key", txn, { failure: [getOp("")] }),
  step("a delete without a key", txn, { failure: [delOp("")] }),
  step("two puts of one key", txn, { success: [putOp("d"), putOp("d")] }),
  step("two puts of one key in the other branch", txn, { failure: [putOp("d"), putOp("d")] }),
  step("a put and a delete of one key", txn, { success: [putOp("d"), delOp("d")] }),
  step("a delete of a range and a put in it", txn, { success: [delOp("a", "f"), putOp("d")] }),
  step("a delete from a key on and a put", txn, { success: [delOp("a", "\0"), putOp("d")] }),
  step("a put in a nested branch and here", txn, { success: [putOp("d"), txnOp([putOp("d")])] }),
  step("puts of one key in two nested transactions", txn, {
    success: [txnOp([putOp("d")]), txnOp([], [putOp("d")])],
  }),
  step("a nested put in a range deleted here", txn, {
    success: [delOp("a", "f"), txnOp([], [putOp("d")])],
  }),
  step("a put in a range deleted by a nested one", txn, {
    success: [txnOp([delOp("a", "f")]), putOp("d")],
  }),
  step("129 operations", txn, { success: many(129, (i) => putOp(`m${i}`)) }),
  step("129 comparisons", txn, {
    compare: many(129, (i) => compareOf(Target.VERSION, `m${i}`, 0)),
  }),
  step("a nested transaction over what depth leaves", txn, {
    success: [...many(120, (i) => putOp(`m${i}`)), txnOp(many(9, (i) => putOp(`n${i}`)))],
  }),
  step("a put with value that keeps the value", txn, {
    success: [putOp("t/a", "v", { ignoreValue: true })],
  }),
];

/** Transactions, in order, on the store that the other steps left. */
export const TXN_STEPS: readonly Step[] = [
  ...REFUSED,
  step("an empty transaction", txn, {}),
  step("a delete twice is allowed", txn, { success: [delOp("d"), delOp("d")] }),
  step("puts of one key in both branches of a nested one", txn, {
    success: [txnOp([putOp("t/z")], [putOp("t/z")])],
  }),
  step("first keys", txn, { success: [putOp("t/a", "1"), putOp("t/b", "1"), putOp("t/c", "2")] }),
  step("t/a again", put, { key: utf8("t/a"), value: utf8("1") }),
  ...compareSteps(),
  step("a range comparison that all keys meet", txn, {
    compare: [rangeCompare(Target.VERSION, 0, Result.GREATER)],
  }),
  step("a range comparison that one key misses", txn, {
    compare: [rangeCompare(Target.VERSION, 1, Result.EQUAL)],
  }),
  step("a range comparison by value", txn, {
    compare: [rangeCompare(Target.VALUE, 9, Result.LESS)],
  }),
  step("a range comparison over no key", txn, {
    compare: [
      { ...rangeCompare(Target.VERSION, 1, Result.EQUAL), key: utf8("u"), rangeEnd: utf8("v") },
    ],
  }),
  step("a range comparison by value over no key", txn, {
    compare: [
      { ...rangeCompare(Target.VALUE, 1, Result.EQUAL), key: utf8("u"), rangeEnd: utf8("v") },
    ],
  }),
  step("a comparison from a key on", txn, {
    compare: [rangeCompare(Target.CREATE, 0, Result.GREATER, "\0")],
  }),
  step("a comparison without a wanted value", txn, {
    compare: [{ target: Target.VERSION, result: Result.EQUAL, key: utf8("none") }],
  }),
  step("a value comparison without a wanted value", txn, {
    compare: [{ target: Target.VALUE, result: Result.GREATER, key: utf8("t/a") }],
  }),
  step("reads only", txn, {
    success: [getOp("t/a"), getOp("t/", { rangeEnd: utf8("t0"), limit: 2n }), getOp("none")],
  }),
  step("a read of the past", txn, { success: [getOp("t/a", { revision: 21n })] }),
  step("a read of the future", txn, { success: [getOp("t/a", { revision: 10_000n })] }),
  step("what that left", range, { key: utf8("t/"), rangeEnd: utf8("t0") }),
  step("a write, then reads that see it", txn, {
    success: [
      putOp("t/n", "new", { prevKv: true }),
      getOp("t/n"),
      putOp("t/a", "newer", { prevKv: true }),
      getOp("t/", { rangeEnd: utf8("t0") }),
      delOp("t/b", "t/d", { prevKv: true }),
      getOp("t/", { rangeEnd: utf8("t0"), countOnly: true }),
    ],
  }),
  step("revisions after it", range, { key: utf8("t/"), rangeEnd: utf8("t0") }),
  step("deletes of nothing only", txn, { success: [delOp("gone"), delOp("x", "y")] }),
  step("the failure branch", txn, {
    compare: [compareOf(Target.VERSION, "t/a", 77)],
    success: [putOp("t/never")],
    failure: [putOp("t/else"), getOp("t/never")],
  }),
  step("nested transactions", txn, {
    success: [
      txnOp(
        [putOp("t/deep", "1"), getOp("t/deep")],
        [putOp("t/not")],
        [compareOf(Target.VERSION, "t/deep", 0)],
      ),
      txnOp(
        [putOp("t/nor")],
        [getOp("t/deep"), delOp("t/else")],
        [compareOf(Target.VERSION, "t/deep", 9)],
      ),
    ],
  }),
  step("a nested comparison sees what came before", txn, {
    success: [
      putOp("t/seen", "1"),
      txnOp([getOp("t/seen")], [getOp("none")], [compareOf(Target.VERSION, "t/seen", 1)]),
    ],
  }),
  step("a put with an unknown lease", txn, { success: [putOp("t/l", "v", { lease: 999n })] }),
  step("a put before one with an unknown lease", txn, {
    success: [putOp("t/m"), putOp("t/l", "v", { lease: 999n })],
  }),
  step("a put that keeps the value of nothing", txn, {
    success: [putOp("t/none", "", { ignoreValue: true })],
  }),
  step("a put that keeps the value", txn, {
    success: [putOp("t/a", "", { ignoreValue: true, prevKv: true })],
  }),
  step("128 operations", txn, { success: many(128, (i) => putOp(`m/${i}`)) }),
  step("everything after it", range, { key: ZERO, rangeEnd: ZERO, countOnly: true }),
];
