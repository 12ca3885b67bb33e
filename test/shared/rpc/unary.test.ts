import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Deferred } from "../../../shared/deferred.js";
import { AtollError } from "../../../shared/errors.js";
import { KV, RangeResponseSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { Health } from "../../../shared/gen/grpc/health/v1/health_pb.js";
import { answer, serve } from "./served.js";

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
      message: "Received message larger than max (2000004 vs 1524288)",
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
    const inside = new Deferred<void>();
    const left = new Deferred<void>();
    const { client } = await serve((server) =>
      server.add(KV, {
        put: async (_, { signal }) => {
          signal.addEventListener("abort", () => left.resolve());
          inside.resolve();
          await left.promise;
          return answer;
        },
      }),
    );
    const abort = new AbortController();
    const call = client.unary(KV.method.put, {}, { signal: abort.signal });
    await inside.promise;
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
    await left.promise;
  });
});
