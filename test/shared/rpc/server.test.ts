import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { AtollError } from "../../../shared/errors.js";
import {
  KV,
  PutResponseSchema,
  RangeResponseSchema,
  Watch,
  WatchResponseSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { Health, HealthCheckResponseSchema } from "../../../shared/gen/grpc/health/v1/health_pb.js";
import { STREAM_BUFFER_BYTES } from "../../../shared/limits.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { RpcServer } from "../../../shared/rpc/server.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Served {
  readonly client: RpcClient;
  readonly server: RpcServer;
  readonly port: number;
  readonly reported: AtollError[];
  readonly observed: string[];
}

async function serve(addTo: (server: RpcServer) => void): Promise<Served> {
  const reported: AtollError[] = [];
  const observed: string[] = [];
  const server = new RpcServer({
    maxRequestBytes: 1_000_000,
    observe: (path, code) => observed.push(`${path} ${code}`),
    report: (_, error) => reported.push(error),
  });
  addTo(server);
  const port = await server.listen("127.0.0.1:0");
  const client = new RpcClient(`127.0.0.1:${port}`);
  cleanups.push(
    () => server.stop(0),
    () => client.close(),
  );
  return { client, server, port, reported, observed };
}

const answer = create(PutResponseSchema, { header: { revision: 7n } });

describe("unary calls", () => {
  test("a message and bytes are both answers; the request's bytes are at hand", async () => {
    const { client, observed } = await serve((server) =>
      server.add(KV, {
        put: (request, { bytes }) => {
          expect(Buffer.from(bytes).includes(Buffer.from(request.value))).toBe(true);
          return answer;
        },
        range: async () => new Uint8Array([0x18, 1]),
      }),
    );
    const put = await client.unary(KV.method.put, { value: Buffer.alloc(300_000, "x") });
    expect(put.header?.revision).toBe(7n);
    const range = await client.unary(KV.method.range, {});
    expect(range).toEqual(create(RangeResponseSchema, { more: true }));
    expect(observed).toEqual(["/etcdserverpb.KV/Put OK", "/etcdserverpb.KV/Range OK"]);
  });

  test("errors keep code and text; others become INTERNAL and are reported", async () => {
    const { client, reported, observed } = await serve((server) =>
      server.add(KV, {
        put: () => {
          throw new AtollError("NOT_FOUND", "100 % weg: „Schlüssel“", { details: { key: "ä" } });
        },
        range: async () => {
          throw new Error("secret");
        },
      }),
    );
    const put = client.unary(KV.method.put, {});
    await expect(put).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "100 % weg: „Schlüssel“",
    });
    const range = client.unary(KV.method.range, {});
    await expect(range).rejects.toMatchObject({ code: "INTERNAL" });
    await expect(range).rejects.not.toThrow("secret");
    expect(reported.map(({ cause }) => (cause as Error).message)).toEqual(["secret"]);
    expect(observed).toEqual(["/etcdserverpb.KV/Put NOT_FOUND", "/etcdserverpb.KV/Range INTERNAL"]);
  });

  test("what is not there is UNIMPLEMENTED", async () => {
    const { client } = await serve((server) => server.add(KV, {}));
    const unimplemented = { code: "UNIMPLEMENTED" };
    await expect(client.unary(KV.method.put, {})).rejects.toMatchObject(unimplemented);
    await expect(client.unary(Health.method.check, {})).rejects.toMatchObject(unimplemented);
  });

  test("a request over the limit is refused", async () => {
    const { client } = await serve((server) => server.add(KV, { put: () => answer }));
    const value = new Uint8Array(2_000_000);
    await expect(client.unary(KV.method.put, { value })).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: expect.stringMatching(/larger than max \(\d+ vs\.? 1524288\)/),
    });
  });

  test("metadata, deadline and peer are known to the handler", async () => {
    const { client } = await serve((server) =>
      server.add(KV, {
        put: (_, context) => {
          expect(context.header("hasleader")).toBe("true");
          expect(context.header("other")).toBeUndefined();
          expect(context.deadlineMs - Date.now()).toBeGreaterThan(5_000);
          expect(context.deadlineMs - Date.now()).toBeLessThanOrEqual(9_000);
          expect(context.peer).toMatch(/^127\.0\.0\.1:\d+$/);
          return answer;
        },
      }),
    );
    await client.unary(KV.method.put, {}, { headers: { hasleader: "true" }, timeoutMs: 9_000 });
  });

  test("the signal fires when the caller goes away", async () => {
    let entered = (): void => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    let gone = (): void => {};
    const left = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const { client } = await serve((server) =>
      server.add(KV, {
        put: async (_, { signal }) => {
          signal.addEventListener("abort", gone);
          entered();
          await left;
          return answer;
        },
      }),
    );
    const abort = new AbortController();
    const call = client.unary(KV.method.put, {}, { signal: abort.signal });
    await inside;
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
    await left;
  });
});

describe("streams", () => {
  const serving = create(HealthCheckResponseSchema, { status: 1 });

  test("a server's stream with messages, one with an error, one with nothing", async () => {
    const { client } = await serve((server) =>
      server.add(Health, {
        watch: async ({ service }, sink) => {
          if (service === "none") return;
          sink.send(serving);
          if (service === "bad") throw new AtollError("ABORTED", "no more");
          sink.send(serving);
        },
      }),
    );
    const all = async (service: string): Promise<number> => {
      let count = 0;
      for await (const _ of client.serverStream(Health.method.watch, { service })) count += 1;
      return count;
    };
    expect(await all("")).toBe(2);
    expect(await all("none")).toBe(0);
    await expect(all("bad")).rejects.toMatchObject({ code: "ABORTED", message: "no more" });
  });

  test("both directions at once; the handler may end before the client does", async () => {
    const { client } = await serve((server) =>
      server.add(Watch, {
        watch: async (requests, sink) => {
          let count = 0n;
          for await (const _ of requests) {
            count += 1n;
            sink.send(create(WatchResponseSchema, { watchId: count }));
            if (count === 3n) return;
          }
        },
      }),
    );
    const stream = client.bidi(Watch.method.watch);
    const received: bigint[] = [];
    stream.send({});
    for await (const { watchId } of stream) {
      received.push(watchId);
      stream.send({});
    }
    expect(received).toEqual([1n, 2n, 3n]);
  });

  test("a slow peer is told of by send, and waited for by drained", async () => {
    const message = new Uint8Array(64 * 1024);
    let drains = 0;
    const { client } = await serve((server) =>
      server.add(Health, {
        watch: async (_, sink) => {
          for (let i = 0; i < 400; i++) {
            if (sink.send(frameOfUnknownField(message))) continue;
            drains += 1;
            await sink.drained();
          }
        },
      }),
    );
    let count = 0;
    for await (const _ of client.serverStream(Health.method.watch, {})) count += 1;
    expect(count).toBe(400);
    expect(drains).toBeGreaterThan(0);
    expect(drains).toBeLessThan((400 * message.length) / (STREAM_BUFFER_BYTES / 2));
  });

  test("drained ends when the caller goes away", async () => {
    let finished = (): void => {};
    const over = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const { client } = await serve((server) =>
      server.add(Health, {
        watch: async (_, sink, { signal }) => {
          while (!signal.aborted) {
            if (!sink.send(frameOfUnknownField(new Uint8Array(100_000)))) await sink.drained();
          }
          finished();
        },
      }),
    );
    const stream = client.serverStream(Health.method.watch, {});
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    stream.cancel();
    await over;
  });

  test("a deadline ends a stream whose handler does nothing", async () => {
    const { port, observed } = await serve((server) =>
      server.add(Health, { watch: (_, __, { signal }) => aborted(signal) }),
    );
    // Straight on HTTP/2: a gRPC client would end the call by itself.
    const reply = await rawCall(
      port,
      "/grpc.health.v1.Health/Watch",
      frameMessage(new Uint8Array(0)),
      {
        "grpc-timeout": "20m",
      },
    );
    expect(reply["grpc-status"]).toBe("4");
    expect(observed).toEqual(["/grpc.health.v1.Health/Watch DEADLINE_EXCEEDED"]);
  });
});

describe("what is no gRPC", () => {
  const path = "/etcdserverpb.KV/Put";

  test.each([
    ["a malformed message", frameMessage(new Uint8Array([0xff, 0xff])), "3", /PutRequest message/],
    ["half a message", frameMessage(new Uint8Array(9)).subarray(0, 8), "12", /[Mm]essage/],
    ["no message", Buffer.alloc(0), "12", /[Mm]essage/],
  ])("%s is refused with a reason", async (_, body, status, reason) => {
    const { port } = await serve((server) => server.add(KV, { put: () => answer }));
    const reply = await rawCall(port, path, body);
    expect(reply["grpc-status"]).toBe(status);
    expect(decodeURI(String(reply["grpc-message"]))).toMatch(reason);
  });

  test("another content type gets 415", async () => {
    const { port } = await serve((server) => server.add(KV, { put: () => answer }));
    const reply = await rawCall(port, path, Buffer.alloc(0), { "content-type": "text/plain" });
    expect(reply[":status"]).toBe(415);
  });
});

describe("start and stop", () => {
  test("a taken port is an error that names it", async () => {
    const { port } = await serve((server) => server.add(KV, {}));
    const other = new RpcServer({ observe: undefined, report: () => {} });
    await expect(other.listen(`127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test("stop lets a call finish, and ends one that doesn't", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let entered = (): void => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const { client, server } = await serve((one) =>
      one.add(KV, {
        put: async () => {
          entered();
          await held;
          return answer;
        },
        range: async () => new Promise<never>(() => {}),
      }),
    );
    const put = client.unary(KV.method.put, {});
    const range = client.unary(KV.method.range, {}, { timeoutMs: 1_000 });
    range.catch(() => {});
    await inside;
    const stopped = server.stop(200);
    release();
    await expect(put).resolves.toBeDefined();
    await expect(range).rejects.toMatchObject({
      code: expect.stringMatching(/UNAVAILABLE|CANCELLED|INTERNAL|DEADLINE_EXCEEDED/),
    });
    await stopped;
    await server.stop();
  });
});

/** A message behind gRPC's five-byte header. */
function frameMessage(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** A response with a field that nobody knows, to have one of that size. */
function frameOfUnknownField(content: Uint8Array): Uint8Array {
  const head = [(15 << 3) | 2];
  for (let rest = content.length; ; rest >>>= 7) {
    head.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), content]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** One call as bytes; gives headers and trailers together. */
function rawCall(
  port: number,
  path: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<IncomingHttpHeaders> {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);
  cleanups.push(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.end(body);
  return new Promise((resolve, reject) => {
    let all: IncomingHttpHeaders = {};
    const take = (more: IncomingHttpHeaders): void => {
      all = { ...all, ...more };
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", reject);
    stream.on("close", () => resolve(all));
    stream.resume();
  });
}
