import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AtollError } from "../../../shared/errors.js";
import { EtcdClient } from "../../../shared/etcd/client.js";
import { deleteRange, get, prefixQuery, put, range, txn } from "../../../shared/etcd/kv.js";
import { EtcdWatch, type WatchMessage } from "../../../shared/etcd/watch.js";
import { KV } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type EtcdCluster, startEtcd } from "../../peers/etcd.js";

/** The client on a real etcd, beside endpoints that are down or hang. */

let etcd: EtcdCluster;
let hanging: Server;
const clients: EtcdClient[] = [];

beforeAll(async () => {
  etcd = await startEtcd({ members: 1 });
  hanging = createServer(() => {});
  await new Promise<void>((resolve) => {
    hanging.listen(0, "127.0.0.1", resolve);
  });
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(async () => {
  await etcd.stop();
  hanging.close();
});

/** Nothing listens on port 1. */
const DOWN = "127.0.0.1:1";

function hangs(): string {
  const address = hanging.address();
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

function client(endpoints: readonly string[] = etcd.endpoints, timeoutMs = 10_000): EtcdClient {
  const made = new EtcdClient({ endpoints, timeoutMs });
  clients.push(made);
  return made;
}

async function failure(call: Promise<unknown>): Promise<AtollError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof AtollError) return error;
    throw error;
  }
  throw new Error("it didn't fail");
}

describe("keys and values", () => {
  test("are written, read, counted, paged and deleted", async () => {
    const etc = client();
    const { revision } = await put(etc, "/kv/a", "1");
    await put(etc, "/kv/a", "2");
    await put(etc, "/kv/b", Uint8Array.of(0, 255));
    const { kv, header } = await get(etc, "/kv/a");
    expect(header).toMatchObject({
      revision: revision + 2,
      clusterId: expect.stringMatching(/^[0-9a-f]+$/),
    });
    expect(kv).toMatchObject({
      createRevision: revision,
      modRevision: revision + 1,
      version: 2,
      lease: 0n,
    });
    expect(Buffer.from(kv?.value ?? []).toString()).toBe("2");
    expect((await get(etc, "/kv/404")).kv).toBeUndefined();
    const page = await range(etc, { ...prefixQuery("/kv/"), limit: 1, keysOnly: true });
    expect(page).toMatchObject({ count: 2, more: true, kvs: [{ value: new Uint8Array(0) }] });
    expect(await range(etc, { ...prefixQuery("/kv/"), countOnly: true })).toMatchObject({
      count: 2,
      kvs: [],
    });
    const then = await range(etc, { key: "/kv/a", revision, serializable: true });
    expect(Buffer.from(then.kvs[0]?.value ?? []).toString()).toBe("1");
    expect(await deleteRange(etc, "/kv/", { end: "/kv0" })).toMatchObject({ deleted: 2 });
    expect(await deleteRange(etc, "/kv/a")).toMatchObject({ deleted: 0 });
  });

  test("take part in transactions", async () => {
    const key = Buffer.from("/txn");
    const request = {
      compare: [{ key, target: 0, targetUnion: { case: "version" as const, value: 0n } }],
      success: [{ request: { case: "requestPut" as const, value: { key, value: key } } }],
    };
    expect(await txn(client(), request)).toMatchObject({
      succeeded: true,
      responses: { length: 1 },
    });
    expect(await txn(client(), request)).toMatchObject({ succeeded: false, responses: [] });
  });

  test("keep etcd's errors", async () => {
    const etc = client();
    expect(await failure(range(etc, { key: "/a", revision: 1_000_000 }))).toMatchObject({
      code: "OUT_OF_RANGE",
      message: "etcdserver: mvcc: required revision is a future revision",
    });
    expect(await failure(etc.unary(KV.method.put, { value: Buffer.from("no key") }))).toMatchObject(
      {
        code: "INVALID_ARGUMENT",
      },
    );
  });
});

describe("several endpoints", () => {
  test("are tried in turn when one is down, for reads and for writes", async () => {
    const etc = client([DOWN, ...etcd.endpoints]);
    expect(etc.currentEndpoint).toBe(DOWN);
    await put(etc, "/x", "1");
    expect(etc.currentEndpoint).toBe(etcd.endpoints[0]);
    expect((await get(etc, "/x")).kv).toBeDefined();
  });

  test("are tried in turn when one hangs, for reads", async () => {
    const etc = client([hangs(), ...etcd.endpoints], 2_000);
    expect((await get(etc, "/x")).header.revision).toBeGreaterThan(0);
    expect(etc.currentEndpoint).toBe(etcd.endpoints[0]);
  });

  test("but a write isn't repeated when nobody knows what became of it; the next call goes elsewhere", async () => {
    const etc = client([hangs(), ...etcd.endpoints], 500);
    expect(await failure(put(etc, "/x", "1"))).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await put(etc, "/x", "2");
  });

  test("are all named when none answers", async () => {
    const error = await failure(get(client([DOWN, "127.0.0.1:2"]), "/x"));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toMatch(/^no endpoint answers: 127.0.0.1:1: .*; 127.0.0.1:2: /);
  });

  test("must be there, and be host:port", () => {
    expect(() => client([])).toThrow(/endpoints: name at least one/);
    expect(() => client(["http://localhost"])).toThrow(/endpoints: .* is not host:port/);
  });

  test("are left on request", () => {
    const etc = client(["127.0.0.1:1", "127.0.0.1:2"]);
    etc.leave("127.0.0.1:2");
    expect(etc.currentEndpoint).toBe("127.0.0.1:1");
    etc.leave("127.0.0.1:1");
    expect(etc.currentEndpoint).toBe("127.0.0.1:2");
  });

  test("need not answer a call that was cancelled", async () => {
    const abort = new AbortController();
    const call = get(client([hangs(), hangs()]), "/x", { signal: abort.signal });
    abort.abort();
    expect(await failure(call)).toMatchObject({ code: "CANCELLED" });
  });
});

describe("a watch", () => {
  test("tells puts and deletions from a revision on", async () => {
    const etc = client();
    const { revision } = await put(etc, "/w/1", "a");
    await put(etc, "/w/1", "b");
    await deleteRange(etc, "/w/1");
    const watch = new EtcdWatch(etc, { ...prefixQuery("/w/"), startRevision: revision });
    const messages: WatchMessage[] = [];
    for await (const message of watch) {
      messages.push(message);
      if (messages.flatMap(({ events }) => events).length === 3) break;
    }
    expect(messages[0]).toMatchObject({ created: true, events: [] });
    const events = messages.flatMap((message) => message.events);
    expect(events.map(({ type, kv }) => [type, kv.modRevision, kv.version])).toEqual([
      ["put", revision, 1],
      ["put", revision + 1, 2],
      ["delete", revision + 2, 0],
    ]);
  });

  test("says when its start is compacted", async () => {
    const etc = client();
    const { revision } = await put(etc, "/w/2", "a");
    await etc.unary(KV.method.compact, { revision: BigInt(revision) });
    const watch = new EtcdWatch(etc, { key: "/w/2", startRevision: 1 });
    const read = async (): Promise<void> => {
      for await (const _ of watch) continue;
    };
    expect(await failure(read())).toMatchObject({
      code: "OUT_OF_RANGE",
      details: { compactRevision: revision, target: etcd.endpoints[0] },
    });
  });

  test("answers for the stream when it is asked for its progress, and ends when it is cancelled", async () => {
    const watch = new EtcdWatch(client(), { key: "/w/3" });
    const read = async (): Promise<void> => {
      for await (const message of watch) {
        if (message.created) watch.requestProgress();
        if (message.forStream) watch.cancel();
      }
    };
    expect(await failure(read())).toMatchObject({ code: "CANCELLED" });
  });

  test("fails when nobody is there", async () => {
    const watch = new EtcdWatch(client([DOWN]), { key: "/w/4" });
    const read = async (): Promise<void> => {
      for await (const _ of watch) continue;
    };
    expect(await failure(read())).toMatchObject({ code: "UNAVAILABLE" });
  });
});
