import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.js";
import {
  WatchCreateRequest_FilterType as Filter,
  KV,
  Lease,
  type RequestOpSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { both, type Pair, type Subject, startPair } from "./subject.js";
import { WatchProbe } from "./watch-probe.js";

/**
 * Scripts over one stream of watches, run against real etcd and us. Each script works on
 * keys of its own and awaits what it expects, so that both clusters see the same
 * revisions in the same order.
 */
let pair: Pair;
const clients = new Map<string, RpcClient>();

beforeAll(async () => {
  pair = await startPair();
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await pair.stop();
});

function clientOf(subject: Subject, member: number): RpcClient {
  const endpoint = subject.endpoints[member] as string;
  let client = clients.get(endpoint);
  if (client === undefined) {
    client = new RpcClient(endpoint);
    clients.set(endpoint, client);
  }
  return client;
}

/** What a script works with: a stream on one member, writes through another. */
interface Stage {
  readonly probe: WatchProbe;
  readonly writer: RpcClient;
  readonly put: (key: string, value?: string, lease?: bigint) => Promise<number>;
  readonly del: (key: string, end?: string) => Promise<number>;
  readonly txn: (...keys: string[]) => Promise<number>;
  /** Resolves when the stream's member has all that was written. */
  readonly caughtUp: () => Promise<unknown>;
}

function stage(subject: Subject, member: number): Stage {
  const writer = clientOf(subject, (member + 1) % 3);
  const { put, deleteRange, txn, range } = KV.method;
  const watched = clientOf(subject, member);
  const revision = (answer: { header?: { revision: bigint } | undefined }): number =>
    Number(answer.header?.revision);
  const putOp = (key: string): MessageInitShape<typeof RequestOpSchema> => ({
    request: { case: "requestPut", value: { key: utf8(key), value: utf8("t") } },
  });
  return {
    probe: new WatchProbe(watched),
    writer,
    put: async (key, value = "v", lease = 0n) =>
      revision(await writer.unary(put, { key: utf8(key), value: utf8(value), lease })),
    del: async (key, end = "") =>
      revision(await writer.unary(deleteRange, { key: utf8(key), rangeEnd: utf8(end) })),
    txn: async (...keys) => revision(await writer.unary(txn, { success: keys.map(putOp) })),
    caughtUp: () => watched.unary(range, { key: utf8("a") }),
  };
}

let turn = 0;

async function script(run: (stage: Stage) => Promise<void>): Promise<Record<string, unknown>> {
  const member = turn++ % 3;
  return both(pair, async (subject) => {
    const scene = stage(subject, member);
    // Answers tell the member's revision, and what scripts before wrote may still be on its way.
    await scene.caughtUp();
    await run(scene);
    return scene.probe.end();
  });
}

const prefix = (name: string): { key: Uint8Array; rangeEnd: Uint8Array } => ({
  key: utf8(`${name}/`),
  rangeEnd: utf8(`${name}0`),
});

test("puts and deletes after a watch was created", async () => {
  const told = await script(async ({ probe, put, del }) => {
    probe.create({ key: utf8("a/x") });
    await probe.control(1);
    await put("a/x", "1");
    await put("a/y", "not watched");
    await put("a/x", "2");
    await del("a/x");
    await put("a/x", "3");
    await probe.events(0, 4);
  });
  expect(told["0"]).toMatchObject({ control: [{ created: true }], events: { length: 4 } });
});

test("a prefix with previous values", async () => {
  await script(async ({ probe, put, del, txn, caughtUp }) => {
    await put("b/1", "before");
    await caughtUp();
    probe.create({ ...prefix("b"), prevKv: true });
    await probe.control(1);
    await put("b/1", "after");
    await txn("b/2", "b/3");
    await del("b/", "b0");
    await put("b/1");
    await probe.events(0, 7);
  });
});

test("from a past revision, with what one revision changed in one piece", async () => {
  await script(async ({ probe, put, del, txn, caughtUp }) => {
    const first = await put("c/1");
    await txn("c/1", "c/2", "c/3");
    await del("c/", "c0");
    await caughtUp();
    probe.create({ ...prefix("c"), startRevision: BigInt(first), prevKv: true });
    probe.create({ ...prefix("c"), startRevision: BigInt(first + 1) });
    await probe.events(0, 7);
    await probe.events(1, 6);
    await put("c/4");
    await probe.events(0, 8);
    await probe.events(1, 7);
    for (const { events } of probe.responses) {
      const last = events.at(-1)?.kv?.modRevision;
      if (events.length === 0) continue;
      expect([1, 3]).toContain(events.filter((event) => event.kv?.modRevision === last).length);
    }
  });
});

test("filters", async () => {
  await script(async ({ probe, put, del, caughtUp }) => {
    const first = await put("d/1");
    await caughtUp();
    probe.create({ ...prefix("d"), startRevision: BigInt(first), filters: [Filter.NOPUT] });
    probe.create({ ...prefix("d"), startRevision: BigInt(first), filters: [Filter.NODELETE] });
    probe.create({ ...prefix("d"), filters: [Filter.NODELETE, Filter.NOPUT] });
    await probe.control(3);
    await put("d/2");
    await del("d/1");
    await put("d/3");
    await probe.events(0, 1);
    await probe.events(1, 3);
  });
});

test("ids that the server gives and that the client gives", async () => {
  await script(async ({ probe }) => {
    probe.create({ key: utf8("e") });
    await probe.control(1);
    probe.create({ key: utf8("e"), watchId: 7n });
    await probe.control(2);
    probe.create({ key: utf8("e"), watchId: 7n });
    await probe.control(3);
    probe.create({ key: utf8("e"), watchId: 1n });
    await probe.control(4);
    probe.create({ key: utf8("e") });
    await probe.control(5);
    probe.create({ key: utf8("e"), watchId: -5n });
    await probe.control(6);
  });
});

test("a watch that was canceled says nothing more", async () => {
  await script(async ({ probe, put }) => {
    probe.create({ key: utf8("f") });
    probe.create({ key: utf8("f") });
    await probe.control(2);
    probe.cancel(0);
    probe.cancel(99);
    await probe.control(3);
    await put("f");
    await probe.events(1, 1);
    probe.cancel(0);
    probe.create({ key: utf8("f") });
    await probe.control(4);
  });
});

test("an id that was canceled may be given again", async () => {
  await script(async ({ probe, put }) => {
    probe.create({ key: utf8("f2"), watchId: 5n });
    await probe.control(1);
    probe.cancel(5);
    await probe.control(2);
    probe.create({ key: utf8("f2"), watchId: 5n });
    await probe.control(3);
    await put("f2");
    await probe.events(5, 1);
  });
});

test("watches that can't be created", async () => {
  const told = await script(async ({ probe }) => {
    probe.create({ key: utf8("g"), rangeEnd: utf8("g") });
    await probe.control(1);
    probe.create({ key: utf8("g"), rangeEnd: utf8("a") });
    await probe.control(2);
  });
  expect(told["-1"]).toMatchObject({ control: { length: 2 } });
});

test("a request that is none of the three changes nothing", async () => {
  await script(async ({ probe, put }) => {
    probe.sendNothing();
    probe.create({ key: utf8("h") });
    await probe.control(1);
    await put("h");
    await probe.events(0, 1);
  });
});

test("no key means the zero key; with an end of zero, everything", async () => {
  await script(async ({ probe, put }) => {
    probe.create({});
    probe.create({ rangeEnd: new Uint8Array(1) });
    await probe.control(2);
    await put("i");
    await put("\0");
    await probe.events(0, 1);
    await probe.events(1, 2);
  });
});

test("from a key on", async () => {
  await script(async ({ probe, put }) => {
    probe.create({ key: utf8("j/5"), rangeEnd: new Uint8Array(1) });
    await probe.control(1);
    await put("j/4");
    await put("j/5");
    await put("j/6");
    await probe.events(0, 2);
  });
});

test("a future revision: neither older events nor notifications before it", async () => {
  await script(async ({ probe, put, caughtUp }) => {
    const now = await put("k");
    await caughtUp();
    probe.create({ key: utf8("k"), startRevision: BigInt(now + 3) });
    probe.create({ key: utf8("k") });
    await probe.control(2);
    await put("k", "too early");
    await put("k", "too early again");
    await put("k", "first");
    await put("k", "second");
    await probe.events(0, 2);
    await probe.events(1, 4);
  });
});

test("progress on request when all is told", async () => {
  await script(async ({ probe, put }) => {
    probe.create({ key: utf8("l") });
    probe.create({ key: utf8("m") });
    await probe.control(2);
    await put("l");
    await probe.events(0, 1);
    probe.requestProgress();
    await probe.control(3);
  });
});

test("a lease's end is one revision of deletes", async () => {
  await script(async ({ probe, put, writer, caughtUp }) => {
    await writer.unary(Lease.method.leaseGrant, { ID: 501n, TTL: 1_000n });
    await put("n/1", "1", 501n);
    await put("n/2", "2", 501n);
    await caughtUp();
    probe.create({ ...prefix("n"), prevKv: true });
    await probe.control(1);
    await writer.unary(Lease.method.leaseRevoke, { ID: 501n });
    await probe.events(0, 2);
  });
});

test("answers above the limit come in fragments where asked for", async () => {
  await script(async ({ probe, put, caughtUp }) => {
    const value = "x".repeat(1_000_000);
    const first = await put("o/1", value);
    await put("o/2", value);
    await put("o/3", value);
    await put("o/4", "small");
    await caughtUp();
    probe.create({ ...prefix("o"), startRevision: BigInt(first), fragment: true });
    probe.create({ ...prefix("o"), startRevision: BigInt(first) });
    await probe.events(0, 4);
    await probe.events(1, 4);
    expect(probe.responses.some((one) => one.fragment)).toBe(true);
    expect(probe.responses.filter((one) => one.watchId === 1n).some((one) => one.fragment)).toBe(
      false,
    );
  });
});

test("events go on when the client has nothing more to ask", async () => {
  await script(async ({ probe, put }) => {
    probe.create({ key: utf8("p") });
    await probe.control(1);
    probe.closeSend();
    await put("p");
    await probe.events(0, 1);
  });
});

test("a compacted revision cancels a watch that needs it, and no other", async () => {
  const told = await script(async ({ probe, put, del, writer, caughtUp }) => {
    await put("q/1");
    await del("q/1");
    const kept = await put("q/2");
    const last = await put("q/2");
    await caughtUp();
    probe.create({ ...prefix("q") });
    await probe.control(1);
    await writer.unary(KV.method.compact, { revision: BigInt(kept), physical: true });
    await caughtUp();
    probe.create({ ...prefix("q"), startRevision: 1n });
    await probe.control(3);
    probe.create({ ...prefix("q"), startRevision: BigInt(kept) });
    await probe.events(2, 2);
    probe.create({ ...prefix("q"), startRevision: BigInt(last), prevKv: true });
    await probe.events(3, 1);
    await put("q/3");
    await probe.events(0, 1);
    await probe.events(2, 3);
    await probe.events(3, 2);
  });
  expect(told["1"]).toMatchObject({ control: [{ created: true }, { canceled: true }] });
});
