import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import {
  logVerbosity,
  type MethodDefinition,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AtollError } from "../errors.js";
import {
  GRPC_OVERHEAD_BYTES,
  MAX_CONCURRENT_STREAMS,
  MAX_REQUEST_BYTES,
  SERVER_KEEPALIVE_MS,
  SERVER_KEEPALIVE_TIMEOUT_MS,
  SHUTDOWN_GRACE_MS,
} from "../limits.js";
import type { BidiHandler, Handlers, ServerStreamHandler, UnaryHandler } from "./handlers.js";
import { CallBooks, type Reporting } from "./reporting.js";
import { bidiServer, serverStreamServer, unaryServer } from "./server-method.js";
import { type AnyService, bytesMethod } from "./service.js";

export interface RpcServerOptions extends Reporting {
  /** Largest request message in bytes; more answers RESOURCE_EXHAUSTED. */
  readonly maxRequestBytes?: number;
}

// Its own lines on standard error say what our errors say, in another form.
setLogVerbosity(logVerbosity.NONE);

type Implementation = UntypedServiceImplementation[string];

function unimplemented(method: DescMethod): never {
  throw new AtollError(
    "UNIMPLEMENTED",
    `${method.parent.typeName}.${method.name} is not implemented`,
  );
}

/**
 * A gRPC server that carries transport-neutral handlers on grpc-js; this folder is the
 * only place that knows grpc-js.
 */
export class RpcServer {
  readonly #server: Server;
  readonly #options: RpcServerOptions;
  readonly #addresses: string[] = [];
  #stopping: Promise<void> | undefined;

  constructor(options: RpcServerOptions) {
    this.#options = options;
    this.#server = new Server({
      "grpc.max_receive_message_length":
        (options.maxRequestBytes ?? MAX_REQUEST_BYTES) + GRPC_OVERHEAD_BYTES,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
      "grpc.keepalive_time_ms": SERVER_KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": SERVER_KEEPALIVE_TIMEOUT_MS,
      "grpc.enable_channelz": 0,
    });
  }

  /** Adds a service. Methods without a handler answer UNIMPLEMENTED. */
  add<S extends AnyService>(service: S, handlers: Handlers<S>): this {
    const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const method of service.methods) {
      definition[method.localName] = bytesMethod(method);
      implementation[method.localName] = this.#adapt(method, handlers[method.localName]);
    }
    this.#server.addService(definition, implementation);
    return this;
  }

  #adapt(method: DescMethod, handler: unknown): Implementation {
    const parts = { method, books: new CallBooks(bytesMethod(method).path, this.#options) };
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

  /**
   * Listens on `host:port` (port 0 takes a free one) and gives the port.
   * Throws UNAVAILABLE naming the address when it is taken.
   */
  async listen(address: string): Promise<number> {
    try {
      const bound = await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
          if (error === null) resolve(port);
          else reject(error);
        });
      });
      this.#addresses.push(`${address.slice(0, address.lastIndexOf(":"))}:${bound}`);
      return bound;
    } catch (cause) {
      throw new AtollError("UNAVAILABLE", `can't listen on ${address}; is the port taken?`, {
        cause,
      });
    }
  }

  /** Lets open calls finish for a moment, in ms, then ends them. Safe to call again. */
  stop(graceMs: number = SHUTDOWN_GRACE_MS): Promise<void> {
    this.#stopping ??= new Promise<void>((resolve) => {
      // forceShutdown() knows no sessions where channelz is off, so drain() has to end them.
      for (const address of this.#addresses) this.#server.drain(address, graceMs);
      this.#server.tryShutdown(() => resolve());
    });
    return this.#stopping;
  }
}
