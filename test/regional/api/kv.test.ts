import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { kvHandlers } from "../../../regional/api/kv.js";
import { CommandKind } from "../../../regional/store/command.js";
import { must } from "../../../shared/assert.js";
import { fromUtf8, utf8 } from "../../../shared/bytes.js";
import { AtollError } from "../../../shared/errors.js";
import {
  CompactionRequestSchema,
  KV,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_REQUEST_BYTES } from "../../../shared/limits.js";
import { FakeContext, FakeNode } from "./fake-node.js";

let node: FakeNode;
let kv: ReturnType<typeof kvHandlers>;
beforeEach(() => {
  node = new FakeNode();
  kv = kvHandlers(node);
});

/** Request and context as a server would make them. */
function call<T extends DescMessage>(
  schema: T,
  init: MessageInitShape<T>,
  headers: Record<string, string> = {},
) {
  const request = create(schema, init);
  return [request, new FakeContext(toBinary(schema, request), headers)] as const;
}

async function put(key: string, value: string | Uint8Array): Promise<Uint8Array> {
  const bytes = typeof value === "string" ? utf8(value) : value;
  const answer = must(kv.put, "put")(...call(PutRequestSchema, { key: utf8(key), value: bytes }));
  return (await answer) as Uint8Array;
}

async function range(
  init: MessageInitShape<typeof RangeRequestSchema>,
  headers: Record<string, string> = {},
): Promise<RangeResponse> {
  const answer = await must(kv.range, "range")(...call(RangeRequestSchema, init, headers));
  return fromBinary(RangeResponseSchema, new Uint8Array(answer as Uint8Array));
}

test("the service has every method", () => {
  expect(Object.keys(kv).sort()).toEqual(KV.methods.map(({ localName }) => localName).sort());
});

test("a put and a linearizable read of it, with this member's header", async () => {
  const answer = fromBinary(PutResponseSchema, await put("a", "1"));
  expect(answer.header).toMatchObject({
    clusterId: node.clusterId,
    memberId: 7n,
    revision: 2n,
    raftTerm: 3n,
  });
  const { kvs, header } = await range({ key: utf8("a") });
  expect(kvs.map(({ value }) => fromUtf8(value))).toEqual(["1"]);
  expect(header?.revision).toBe(2n);
  expect(node.reads).toBe(1);
});

describe("without a leader", () => {
  beforeEach(() => {
    node.hasLeader = false;
    node.failure = new AtollError("UNAVAILABLE", "etcdserver: request timed out");
  });

  test("a serializable read is answered all the same", async () => {
    expect(await range({ key: utf8("a"), serializable: true })).toMatchObject({ count: 0n });
    expect(node.reads).toBe(0);
  });

  test("the node's own error is what a caller gets", async () => {
    await expect(range({ key: utf8("a") })).rejects.toThrow("request timed out");
    await expect(put("a", "1")).rejects.toThrow("request timed out");
  });

  test("a caller that wants a leader is refused at once", async () => {
    const wanted = { code: "UNAVAILABLE", message: "etcdserver: no leader" };
    const read = range({ key: utf8("a"), serializable: true }, { hasleader: "true" });
    await expect(read).rejects.toMatchObject(wanted);
    expect(() =>
      kv.put?.(...call(PutRequestSchema, { key: utf8("a") }, { hasleader: "true" })),
    ).toThrow("etcdserver: no leader");
    await expect(
      range({ key: utf8("a"), serializable: true }, { hasleader: "false" }),
    ).resolves.toBeDefined();
  });
});

describe("what is refused before anything is proposed", () => {
  test("a request over the limit", async () => {
    await expect(put("a", new Uint8Array(MAX_REQUEST_BYTES))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "etcdserver: request is too large",
    });
    expect(node.proposed).toEqual([]);
  });

  test("an empty key", async () => {
    await expect(put("", "1")).rejects.toThrow("etcdserver: key is not provided");
    expect(node.proposed).toEqual([]);
  });
});

test("a transaction that writes and reads a future revision leaves nothing", async () => {
  await put("a", "1");
  const answer = kv.txn?.(
    ...call(TxnRequestSchema, {
      success: [
        { request: { case: "requestPut", value: { key: utf8("b") } } },
        { request: { case: "requestRange", value: { key: utf8("a"), revision: 99n } } },
      ],
    }),
  );
  await expect(answer).rejects.toMatchObject({
    code: "OUT_OF_RANGE",
    message: "etcdserver: mvcc: required revision is a future revision",
  });
  expect(await range({ key: utf8("b") })).toMatchObject({ count: 0n, header: { revision: 2n } });
});

test("compaction is proposed as it came, physical or not", async () => {
  await put("a", "1");
  await put("a", "2");
  await kv.compact?.(...call(CompactionRequestSchema, { revision: 3n, physical: true }));
  expect(node.proposed.at(-1)).toBe(CommandKind.compaction);
  await expect(range({ key: utf8("a"), revision: 2n })).rejects.toMatchObject({
    code: "OUT_OF_RANGE",
  });
});
