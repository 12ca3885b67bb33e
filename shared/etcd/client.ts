import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { parseHostPort } from "../address.js";
import { AtollError } from "../errors.js";
import { DEFAULT_CALL_TIMEOUT_MS } from "../limits.js";
import { type CallOptions, RpcClient } from "../rpc/client.js";
import { attemptMs, blamesEndpoint, type CallKind, mayTryNext } from "./failover.js";

export interface EtcdClientOptions {
  /** host:port of each member's client API; the first is tried first. */
  readonly endpoints: readonly string[];
  /** Milliseconds for a call that names none, over all endpoints together. */
  readonly timeoutMs?: number;
  /** Metadata of every call, such as an authentication token. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface EtcdCallOptions extends CallOptions {
  /** `read` may be repeated at another endpoint after any failure of one. Default: `write`. */
  readonly kind?: CallKind;
}

type UnaryMethod<I extends DescMessage, O extends DescMessage> = DescMethod & {
  readonly input: I;
  readonly output: O;
  readonly methodKind: "unary";
};

/**
 * A client of one region's etcd v3 API, be it etcd or our own members. It stays
 * with one endpoint while that one works, and goes on to the next when a call
 * finds it unavailable or hanging.
 */
export class EtcdClient {
  readonly endpoints: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly #clients: readonly RpcClient[];
  readonly #timeoutMs: number;
  #current = 0;

  /** Throws INVALID_ARGUMENT when an endpoint isn't host:port. */
  constructor(options: EtcdClientOptions) {
    if (options.endpoints.length === 0) {
      throw new AtollError("INVALID_ARGUMENT", "endpoints: name at least one host:port");
    }
    for (const endpoint of options.endpoints) parseHostPort(endpoint, "endpoints");
    this.endpoints = [...options.endpoints];
    this.#clients = this.endpoints.map((endpoint) => new RpcClient(endpoint));
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
    this.headers = options.headers ?? {};
  }

  /** The endpoint that the next call goes to first. */
  get currentEndpoint(): string {
    return this.endpoints[this.#current] as string;
  }

  /** The channel to the current endpoint, for streams. */
  currentChannel(): RpcClient {
    return this.#clients[this.#current] as RpcClient;
  }

  /** Leaves `endpoint` for the next one, if it is still the current one. */
  leave(endpoint: string): void {
    if (this.currentEndpoint === endpoint) {
      this.#current = (this.#current + 1) % this.#clients.length;
    }
  }

  /**
   * Calls a unary method of any of etcd's services: `client.unary(KV.method.range,
   * request, {kind: "read"})`. Throws the last endpoint's AtollError, naming all
   * endpoints that were tried when there was more than one.
   */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    options: EtcdCallOptions = {},
  ): Promise<MessageShape<O>> {
    const kind = options.kind ?? "write";
    const deadline = performance.now() + (options.timeoutMs ?? this.#timeoutMs);
    const first = this.#current;
    const count = this.#clients.length;
    const failures: AtollError[] = [];
    for (let tried = 0; tried < count; tried++) {
      const index = (first + tried) % count;
      const remainingMs = deadline - performance.now();
      if (remainingMs <= 0 && tried > 0) break;
      try {
        const answer = await (this.#clients[index] as RpcClient).unary(method, request, {
          ...options,
          headers: { ...this.headers, ...options.headers },
          timeoutMs: attemptMs(remainingMs, count - tried, kind),
        });
        if (tried > 0) this.#current = index;
        return answer;
      } catch (thrown) {
        const error = AtollError.from(thrown);
        failures.push(error);
        if (blamesEndpoint(error)) this.leave(this.endpoints[index] as string);
        if (!mayTryNext(error, kind) || options.signal?.aborted === true) break;
      }
    }
    throw this.#failed(failures);
  }

  #failed(failures: readonly AtollError[]): AtollError {
    const last = failures.at(-1);
    if (last === undefined) return new AtollError("DEADLINE_EXCEEDED", "no time for the call");
    if (failures.length === 1) return last;
    const each = failures.map((error) => `${error.details["target"]}: ${error.message}`);
    return new AtollError(last.code, `no endpoint answers: ${each.join("; ")}`, {
      cause: last,
      details: last.details,
    });
  }

  /** Closes all channels; open calls fail with CANCELLED. */
  close(): void {
    for (const client of this.#clients) client.close();
  }
}
