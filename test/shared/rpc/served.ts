import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { afterEach } from "vitest";
import type { AtollError } from "../../../shared/errors.js";
import { PutResponseSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { RpcServer } from "../../../shared/rpc/server.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server on a free port, a client of it, and what it told of its calls. */
export interface Served {
  readonly client: RpcClient;
  readonly server: RpcServer;
  readonly port: number;
  readonly reported: AtollError[];
  readonly observed: string[];
}

/** Starts a server; it and its client end with the test. */
export async function serve(addTo: (server: RpcServer) => void): Promise<Served> {
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

/** What a put is answered. */
export const answer = create(PutResponseSchema, { header: { revision: 7n } });

/** A message behind gRPC's five-byte header. */
export function frameMessage(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Resolves when a signal fires. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** One call as bytes; gives headers and trailers together. */
export function rawCall(
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
