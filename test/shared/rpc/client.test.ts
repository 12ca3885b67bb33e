import { expect, test } from "vitest";
import { KV } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { answer, serve } from "./served.js";

test("a new client doesn't wait for what older ones of its process found", async () => {
  const { client, server, port } = await serve((one) => one.add(KV, { put: () => answer }));
  await client.unary(KV.method.put, {});
  await server.stop(0);
  await expect(client.unary(KV.method.put, {})).rejects.toMatchObject({ code: "UNAVAILABLE" });
  const successor = new RpcServer({ observe: undefined, report: () => {} });
  successor.add(KV, { put: () => answer });
  await successor.listen(`127.0.0.1:${port}`);
  const fresh = new RpcClient(`127.0.0.1:${port}`);
  try {
    await expect(fresh.unary(KV.method.put, {})).resolves.toMatchObject({ header: {} });
  } finally {
    fresh.close();
    await successor.stop(0);
  }
});
