import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { parseHostPort } from "../address.js";
import { AtollError } from "../errors.js";
import {
  CONNECTION_WINDOW_BYTES,
  GRPC_OVERHEAD_BYTES,
  MAX_CONCURRENT_STREAMS,
  MAX_REQUEST_BYTES,
  SHUTDOWN_GRACE_MS,
  STREAM_WINDOW_BYTES,
  TCP_KEEP_ALIVE_MS,
} from "../limits.js";
import type { BidiHandler, Handlers, ServerStreamHandler, UnaryHandler } from "./handlers.js";
import { CallBooks, type Reporting } from "./reporting.js";
import { ServerCall } from "./server-call.js";
import {
  bidiServer,
  type MethodParts,
  type MethodServer,
  serverStreamServer,
  unaryServer,
} from "./server-method.js";
import { type AnyService, methodPath } from "./service.js";

export interface RpcServerOptions extends Reporting {
  /** Largest request message in bytes; more answers RESOURCE_EXHAUSTED. */
  readonly maxRequestBytes?: number;
}

function unimplemented(method: DescMethod): never {
  throw new AtollError(
    "UNIMPLEMENTED",
    `${method.parent.typeName}.${method.name} is not implemented`,
  );
}

/**
 * A gRPC server that carries transport-neutral handlers, on node:http2 itself: an empty
 * unary call costs about two thirds of what it does on grpc-js, and windows can be set.
 * Protocol: gRPC's PROTOCOL-HTTP2.md. Messages must not be compressed.
 */
export class RpcServer {
  readonly #server: Http2Server;
  readonly #options: RpcServerOptions;
  readonly #methods = new Map<string, MethodServer>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #stopping: Promise<void> | undefined;

  constructor(options: RpcServerOptions) {
    this.#options = options;
    this.#server = createServer({
      // Memory is bounded by the number of streams and by what each may buffer.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
      settings: {
        maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
        initialWindowSize: STREAM_WINDOW_BYTES,
      },
    });
    this.#server.on("connection", (socket: Socket) => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    });
    this.#server.on("session", (session) => this.#open(session));
    this.#server.on("stream", (stream, headers) => this.#serve(stream, headers));
  }

  /** Adds a service. Methods without a handler answer UNIMPLEMENTED. */
  add<S extends AnyService>(service: S, handlers: Handlers<S>): this {
    for (const method of service.methods) {
      const path = methodPath(method);
      const parts = {
        method,
        books: new CallBooks(path, this.#options),
        maxRequestBytes: (this.#options.maxRequestBytes ?? MAX_REQUEST_BYTES) + GRPC_OVERHEAD_BYTES,
      };
      this.#methods.set(path, this.#adapt(parts, handlers[method.localName]));
    }
    return this;
  }

  #adapt(parts: MethodParts, handler: unknown): MethodServer {
    const { method } = parts;
    const missing = async (): Promise<never> => unimplemented(method);
    switch (method.methodKind) {
      case "unary":
        return unaryServer(parts, (handler ?? missing) as UnaryHandler<DescMessage, DescMessage>);
      case "server_streaming":
        return serverStreamServer(
          parts,
          (handler ?? missing) as ServerStreamHandler<DescMessage, DescMessage>,
        );
      case "bidi_streaming":
        return bidiServer(parts, (handler ?? missing) as BidiHandler<DescMessage, DescMessage>);
      case "client_streaming":
        throw new Error(`${method.name}: no contract of ours streams requests only`);
    }
  }

  #open(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    session.on("error", () => {}); // a broken connection; its calls learn of it one by one
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const call = new ServerCall(stream, headers);
    const type = call.header("content-type") ?? "";
    if (!type.startsWith("application/grpc")) {
      stream.respond({ ":status": 415, "accept-post": "application/grpc" }, { endStream: true });
      stream.resume();
      return;
    }
    const path = call.header(":path") ?? "";
    const method = this.#methods.get(path);
    if (method === undefined) {
      call.end(new AtollError("UNIMPLEMENTED", `there is no method ${path}`));
      return;
    }
    method(call);
  }

  /**
   * Listens on `host:port` (port 0 takes a free one) and gives the port.
   * Throws UNAVAILABLE naming the address when it is taken.
   */
  async listen(address: string): Promise<number> {
    const { host, port } = parseHostPort(address, "the address to listen on");
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown): void =>
        reject(
          new AtollError("UNAVAILABLE", `can't listen on ${address}; is the port taken?`, {
            cause,
          }),
        );
      this.#server.once("error", fail);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", fail);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets open calls finish for a moment, then ends them. Safe to call again. */
  stop(graceMs: number = SHUTDOWN_GRACE_MS): Promise<void> {
    this.#stopping ??= new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const session of this.#sessions) session.destroy();
      }, graceMs);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      for (const session of this.#sessions) session.close();
    });
    return this.#stopping;
  }
}
