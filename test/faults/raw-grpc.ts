import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";

const ANSWER_MS = 10_000;

/** How a gRPC call ended. */
export interface RawEnd {
  /** The number of the gRPC status; undefined when the connection was lost instead. */
  readonly status: number | undefined;
  readonly message: string;
}

/** A message as gRPC frames it: whether it is compressed, its length, its bytes. */
export function grpcFrame(message: Uint8Array, isCompressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(Number(isCompressed));
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/**
 * Calls a gRPC method with any bytes for a body, as no client library would. Resolves
 * with what the server ends the call with; the request is left open for `isOpen`.
 * `encoding` is what gRPC is told of compressed messages.
 */
export async function rawCall(
  address: string,
  path: string,
  body: Uint8Array,
  isOpen = false,
  encoding = "identity",
): Promise<RawEnd> {
  const session = connectHttp2(`http://${address}`);
  session.on("error", () => {});
  const request = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    "grpc-encoding": encoding,
    te: "trailers",
  });
  let status: number | undefined;
  let message = "";
  const take = (headers: NodeJS.Dict<string | string[]>): void => {
    if (headers["grpc-status"] === undefined) return;
    status = Number(headers["grpc-status"]);
    message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
  };
  request.on("response", take);
  request.on("trailers", take);
  request.on("error", () => {});
  request.setTimeout(ANSWER_MS, () => request.close());
  request.resume();
  const ended = once(request, "close");
  request.write(body);
  if (!isOpen) request.end();
  // A call that was left open is over for the caller with the server's trailers.
  request.once("end", () => request.close());
  await ended.catch(() => {});
  session.destroy();
  return { status, message };
}

/** Sends bytes that are no HTTP/2 to a port; resolves when the other side has hung up. */
export async function sendGarbage(address: string, bytes: Uint8Array): Promise<void> {
  const [host = "", port] = address.split(":");
  const socket = connectTcp(Number(port), host);
  socket.on("error", () => {});
  socket.resume();
  const closed = once(socket, "close");
  socket.setTimeout(ANSWER_MS, () => socket.destroy());
  socket.end(bytes);
  await closed.catch(() => {});
}
