import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { Client, credentials, Metadata as GrpcMetadata, type Metadata } from "@grpc/grpc-js";
import { AtollError } from "../errors.js";
import { DEFAULT_CALL_TIMEOUT_MS, MAX_RESPONSE_BYTES } from "../limits.js";
import { ClientStream } from "./client-stream.js";
import { bytesMethod, decodeMessage, encodeMessage } from "./service.js";
import { fromServiceError } from "./status.js";

/** What a caller may say of one call. */
export interface CallOptions {
  /** Milliseconds until the call fails with DEADLINE_EXCEEDED; streams have no default. */
  readonly timeoutMs?: number;
  /** Ends the call with CANCELLED. */
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whom a TLS client trusts, and who it is; PEM. */
export interface TlsIdentity {
  /** Certificates to trust; the system's when undefined. */
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** The name in the server's certificate, where it is not the address. */
  readonly serverName: string | undefined;
}

type Shape<T extends DescMessage> = MessageShape<T>;
type Init<T extends DescMessage> = MessageInitShape<T>;
interface MethodLike<I extends DescMessage, O extends DescMessage> {
  readonly input: I;
  readonly output: O;
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new GrpcMetadata();
  for (const [key, value] of Object.entries(options.headers ?? {})) metadata.set(key, value);
  return metadata;
}

/**
 * A channel to one server. grpc-js connects when first used and reconnects by itself;
 * every failure is an AtollError whose details name the target.
 */
export class RpcClient {
  readonly target: string;
  readonly #client: Client;

  /**
   * `maxResponseBytes`: the largest message that is taken from the server. `tls`: connects
   * by TLS; without it in the clear.
   */
  constructor(
    target: string,
    options: { readonly maxResponseBytes?: number; readonly tls?: TlsIdentity | undefined } = {},
  ) {
    this.target = target;
    const { tls } = options;
    const trusted =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
    const name = tls?.serverName;
    this.#client = new Client(target, trusted, {
      ...(name === undefined ? {} : { "grpc.ssl_target_name_override": name }),
      "grpc.max_receive_message_length": options.maxResponseBytes ?? MAX_RESPONSE_BYTES,
      "grpc.max_send_message_length": -1,
      "grpc.enable_channelz": 0,
      // A new client tries by itself, however long older ones of this process are backing off.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
      "grpc.keepalive_time_ms": 5_000,
      "grpc.keepalive_timeout_ms": 3_000,
      "grpc-node.flow_control_window": 4 * 1024 * 1024,
    });
  }

  /** Calls a unary method: `client.unary(KV.method.range, {key})`. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & MethodLike<I, O> & { methodKind: "unary" },
    request: Init<I>,
    options: CallOptions = {},
  ): Promise<Shape<O>> {
    const definition = bytesMethod(method);
    const deadline = Date.now() + (options.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted === true) {
        reject(new AtollError("CANCELLED", "the call was cancelled before it began"));
        return;
      }
      const abort = (): void => call.cancel();
      const call = this.#client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        encodeMessage(method.input, create(method.input, request)),
        metadataOf(options),
        { deadline },
        (error, bytes) => {
          options.signal?.removeEventListener("abort", abort);
          if (error !== null || bytes === undefined) {
            reject(fromServiceError(error, this.target));
            return;
          }
          try {
            resolve(decodeMessage(method.output, bytes));
          } catch (thrown) {
            reject(
              new AtollError("DATA_LOSS", `${this.target} sent a malformed answer`, {
                cause: thrown,
              }),
            );
          }
        },
      );
      options.signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Calls a method that answers with a stream; iterate it, or `cancel()` it. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & MethodLike<I, O> & { methodKind: "server_streaming" },
    request: Init<I>,
    options: CallOptions = {},
  ): ClientStream<I, O> {
    const definition = bytesMethod(method);
    const call = this.#client.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      encodeMessage(method.input, create(method.input, request)),
      metadataOf(options),
      options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs },
    );
    return new ClientStream(method, call, undefined, this.target, options.signal);
  }

  /** Opens a stream in both directions; `send` to it, iterate it, `cancel()` it. */
  bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & MethodLike<I, O> & { methodKind: "bidi_streaming" },
    options: CallOptions = {},
  ): ClientStream<I, O> {
    const definition = bytesMethod(method);
    const call = this.#client.makeBidiStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      metadataOf(options),
      options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs },
    );
    return new ClientStream(method, call, call, this.target, options.signal);
  }

  /** Closes the channel; open calls fail with CANCELLED. */
  close(): void {
    this.#client.close();
  }
}
