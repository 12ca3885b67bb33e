import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Deferred } from "../../../shared/deferred.js";
import { AtollError } from "../../../shared/errors.js";
import { Watch, WatchResponseSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { Health, HealthCheckResponseSchema } from "../../../shared/gen/grpc/health/v1/health_pb.js";
import { STREAM_BUFFER_BYTES } from "../../../shared/limits.js";
import { aborted, frameMessage, rawCall, serve } from "./served.js";

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
    const over = new Deferred<void>();
    const { client } = await serve((server) =>
      server.add(Health, {
        watch: async (_, sink, { signal }) => {
          while (!signal.aborted) {
            if (!sink.send(frameOfUnknownField(new Uint8Array(100_000)))) await sink.drained();
          }
          over.resolve();
        },
      }),
    );
    const stream = client.serverStream(Health.method.watch, {});
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    stream.cancel();
    await over.promise;
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

/** A response with a field that nobody knows, to have one of that size. */
function frameOfUnknownField(content: Uint8Array): Uint8Array {
  const head = [(15 << 3) | 2];
  for (let rest = content.length; ; rest >>>= 7) {
    head.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), content]);
}
