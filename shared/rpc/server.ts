import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AtollError } from "../errors.js";
import {
  GRPC_OVERHEAD_BYTES,
  MAX_CONCURRENT_STREAMS,
  MAX_REQUEST_BYTES,
  SHUTDOWN_GRACE_MS,
} from "../limits.js";
import { bidiCall, type Reporting, serverStreamCall, unaryCall } from "./grpc-handlers.js";
import type { BidiHandler, Handlers, ServerStreamHandler, UnaryHandler } from "./handlers.js";
import { type AnyService, bytesService } from "./service.js";

export interface RpcServerOptions extends Reporting {
  /** Largest request message in bytes; more answers RESOURCE_EXHAUSTED. */
  readonly maxRequestBytes?: number;
}

/** A gRPC server that carries transport-neutral handlers; the only place that knows grpc-js's server. */
export class RpcServer {
  readonly #server: Server;
  readonly #reporting: Reporting;
  #stopping: Promise<void> | undefined;

  constructor(options: RpcServerOptions) {
    this.#reporting = options;
    this.#server = new Server({
      "grpc.max_receive_message_length":
        (options.maxRequestBytes ?? MAX_REQUEST_BYTES) + GRPC_OVERHEAD_BYTES,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
      "grpc.enable_channelz": 0,
    });
  }

  /** Adds a service. Methods without a handler answer UNIMPLEMENTED. */
  add<S extends AnyService>(service: S, handlers: Handlers<S>): this {
    const definition: ServiceDefinition = bytesService(service);
    const implementation: UntypedServiceImplementation = {};
    for (const method of service.methods) {
      implementation[method.localName] = this.#adapt(method, handlers[method.localName]);
    }
    this.#server.addService(definition, implementation);
    return this;
  }

  #adapt(method: DescMethod, handler: unknown): UntypedServiceImplementation[string] {
    const unimplemented = (): never => {
      throw new AtollError(
        "UNIMPLEMENTED",
        `${method.parent.typeName}.${method.name} is not implemented`,
      );
    };
    switch (method.methodKind) {
      case "unary":
        return unaryCall(
          method,
          (handler ?? unimplemented) as UnaryHandler<DescMessage, DescMessage>,
          this.#reporting,
        );
      case "server_streaming":
        return serverStreamCall(
          method,
          (handler ?? (async () => unimplemented())) as ServerStreamHandler<
            DescMessage,
            DescMessage
          >,
          this.#reporting,
        );
      case "bidi_streaming":
        return bidiCall(
          method,
          (handler ?? (async () => unimplemented())) as BidiHandler<DescMessage, DescMessage>,
          this.#reporting,
        );
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
      return await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
          if (error === null) resolve(port);
          else reject(error);
        });
      });
    } catch (error) {
      throw new AtollError("UNAVAILABLE", `can't listen on ${address}; is the port taken?`, {
        cause: error,
      });
    }
  }

  /** Lets open calls finish for a moment, then ends them. Safe to call again. */
  stop(graceMs: number = SHUTDOWN_GRACE_MS): Promise<void> {
    this.#stopping ??= new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#stopping;
  }
}
