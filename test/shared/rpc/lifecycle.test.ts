import { describe, expect, test } from "vitest";
import { Deferred } from "../../../shared/deferred.js";
import { KV, Watch } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { aborted, answer, serve } from "./served.js";

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
    const held = new Deferred<void>();
    const inside = new Deferred<void>();
    const { client, server } = await serve((one) =>
      one.add(KV, {
        put: async () => {
          inside.resolve();
          await held.promise;
          return answer;
        },
        range: async () => new Promise<never>(() => {}),
      }),
    );
    const put = client.unary(KV.method.put, {});
    const range = client.unary(KV.method.range, {});
    range.catch(() => {});
    await inside.promise;
    const stopped = server.stop(200);
    held.resolve();
    await expect(put).resolves.toBeDefined();
    await expect(range).rejects.toMatchObject({ code: "CANCELLED" });
    await stopped;
    await server.stop();
  });

  test("stop ends streams that never would, and their handlers know", async () => {
    const inside = new Deferred<void>();
    const gone = new Deferred<void>();
    const { client, server } = await serve((one) =>
      one.add(Watch, {
        watch: async (_, __, { signal }) => {
          inside.resolve();
          await aborted(signal);
          gone.resolve();
        },
      }),
    );
    const stream = client.bidi(Watch.method.watch);
    stream.send({});
    const answers = stream[Symbol.asyncIterator]().next();
    answers.catch(() => {});
    await inside.promise;
    const beginMs = performance.now();
    await server.stop(0);
    // Node ends a closed server's connections by itself only after five seconds.
    expect(performance.now() - beginMs).toBeLessThan(4_000);
    await expect(answers).rejects.toMatchObject({ code: "CANCELLED" });
    await gone.promise;
  });
});
