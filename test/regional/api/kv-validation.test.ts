import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { KeyIntervals } from "../../../regional/api/key-intervals.js";
import { checkRange, checkTxn } from "../../../regional/api/kv-validation.js";
import { utf8 } from "../../../shared/bytes.js";
import {
  RangeRequestSchema,
  type RequestOpSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";

type Op = MessageInitShape<typeof RequestOpSchema>;

const letter = fc.constantFrom("a", "b", "c", "d", "e", "f");

/** The rule as it reads, in quadratic time: what a list of operations puts and deletes. */
type Shape =
  | { readonly put: string }
  | { readonly from: string; readonly to: string }
  | { readonly yes: readonly Shape[]; readonly no: readonly Shape[] };

interface Writes {
  readonly puts: string[];
  readonly deletes: { readonly from: string; readonly to: string }[];
}

class Duplicate extends Error {}

function overlaps(key: string, { from, to }: Writes["deletes"][number]): boolean {
  return to === "" ? key === from : key >= from && key < to;
}

function naive(shapes: readonly Shape[]): Writes {
  const writes: Writes = { puts: [], deletes: [] };
  const put = (key: string, allowed: readonly string[]): void => {
    if (writes.puts.includes(key) && !allowed.includes(key)) throw new Duplicate();
    if (writes.deletes.some((one) => overlaps(key, one))) throw new Duplicate();
    if (!writes.puts.includes(key)) writes.puts.push(key);
  };
  for (const one of shapes) if ("from" in one) writes.deletes.push(one);
  for (const one of shapes) {
    if (!("yes" in one)) continue;
    const success = naive(one.yes);
    const failure = naive(one.no);
    for (const key of success.puts) put(key, []);
    for (const key of failure.puts) put(key, success.puts);
    writes.deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const one of shapes) if ("put" in one) put(one.put, []);
  return writes;
}

function opOf(shape: Shape): Op {
  if ("put" in shape) {
    return { request: { case: "requestPut", value: { key: utf8(shape.put) } } };
  }
  if ("from" in shape) {
    const value = { key: utf8(shape.from), rangeEnd: utf8(shape.to) };
    return { request: { case: "requestDeleteRange", value } };
  }
  const value = { success: shape.yes.map(opOf), failure: shape.no.map(opOf) };
  return { request: { case: "requestTxn", value } };
}

const { list } = fc.letrec<{ list: Shape[]; shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 3 },
    fc.record({ put: letter }),
    fc.record({ from: letter, to: fc.oneof(letter, fc.constantFrom("", "\0")) }),
    fc.record({ yes: tie("list"), no: tie("list") }),
  ),
  list: fc.array(tie("shape"), { maxLength: 4 }),
}));

describe("puts and deletes of one transaction", () => {
  test.prop([list, list], { numRuns: 500 })("overlap as etcd's rule says", (success, failure) => {
    const request = create(TxnRequestSchema, {
      success: success.map(opOf),
      failure: failure.map(opOf),
    });
    let isRefused = false;
    try {
      naive(success);
      naive(failure);
    } catch {
      isRefused = true;
    }
    const check = (): void => checkTxn(request);
    if (isRefused) expect(check).toThrow("etcdserver: duplicate key given in txn request");
    else expect(check).not.toThrow();
  });

  test("many are checked quickly", () => {
    const deletes = Array.from({ length: 60 }, (_, i) =>
      opOf({
        yes: Array.from({ length: 60 }, (_, j) => ({ from: `d${i}-${j}`, to: `d${i}-${j}x` })),
        no: [],
      }),
    );
    const puts = Array.from({ length: 60 }, (_, i) =>
      opOf({ yes: Array.from({ length: 60 }, (_, j) => ({ put: `p${i}-${j}` })), no: [] }),
    );
    const request = create(TxnRequestSchema, { success: [...deletes, ...puts] });
    expect(() => checkTxn(request, 1_000)).not.toThrow();
  });

  test("depth leaves fewer operations", () => {
    const nested = (depth: number): Shape =>
      depth === 0 ? { put: "k" } : { yes: [nested(depth - 1)], no: [] };
    const request = (depth: number) => create(TxnRequestSchema, { success: [opOf(nested(depth))] });
    expect(() => checkTxn(request(3), 4)).not.toThrow();
    expect(() => checkTxn(request(4), 4)).toThrow("too many operations");
  });
});

describe("sets of keys", () => {
  const interval = fc.record({ from: letter, to: fc.oneof(letter, fc.constant("")) });
  test.prop([fc.array(interval), letter])("hold what was added", (intervals, key) => {
    const set = new KeyIntervals();
    for (const { from, to } of intervals) set.addRange(from, to);
    expect(set.has(key)).toBe(intervals.some((one) => overlaps(key, one)));
    const copy = new KeyIntervals();
    copy.addAll(set);
    expect(copy.has(key)).toBe(set.has(key));
  });
});

describe("a range's sort", () => {
  test.each([{ sortOrder: 3 }, { sortOrder: -1 }, { sortTarget: 5 }])("%o is refused", (sort) => {
    const request = create(RangeRequestSchema, { key: utf8("k"), ...sort });
    expect(() => checkRange(request)).toThrow("etcdserver: invalid sort option");
  });
});
