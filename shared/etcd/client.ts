import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { parseHostPort } from "../address.js";
import { AtollError } from "../errors.js";
import { Auth } from "../gen/etcd/etcdserverpb/rpc_pb.js";
import { DEFAULT_CALL_TIMEOUT_MS } from "../limits.js";
import { type CallOptions, RpcClient } from "../rpc/client.js";
import { type EtcdAccess, type EtcdUser, isSameTls, isSameUser, OPEN_ACCESS } from "./access.js";
import { attemptMs, blamesEndpoint, type CallKind, mayTryNext } from "./failover.js";

export interface EtcdClientOptions {
  /** host:port of each member's client API; the first is tried first. */
  readonly endpoints: readonly string[];
  /** Milliseconds for a call that names none, over all endpoints together. */
  readonly timeoutMs?: number;
  /** Metadata of every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** TLS and user, read now and with each `refresh`; in the clear and as nobody by default. */
  readonly access?: () => EtcdAccess;
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
  readonly #headers: Readonly<Record<string, string>>;
  readonly #readAccess: () => EtcdAccess;
  #access: EtcdAccess;
  #token: string | undefined;
  #loggingIn: Promise<void> | undefined;
  #clients: readonly RpcClient[];
  readonly #timeoutMs: number;
  #current = 0;

  /** Throws INVALID_ARGUMENT when an endpoint isn't host:port, and what reading the access throws. */
  constructor(options: EtcdClientOptions) {
    if (options.endpoints.length === 0) {
      throw new AtollError("INVALID_ARGUMENT", "endpoints: name at least one host:port");
    }
    for (const endpoint of options.endpoints) parseHostPort(endpoint, "endpoints");
    this.endpoints = [...options.endpoints];
    this.#readAccess = options.access ?? (() => OPEN_ACCESS);
    this.#access = this.#readAccess();
    this.#clients = this.#channels();
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
    this.#headers = options.headers ?? {};
  }

  #channels(): RpcClient[] {
    const { tls } = this.#access;
    return this.endpoints.map((endpoint) => new RpcClient(endpoint, { tls }));
  }

  /**
   * Reads certificates and password again, which may have been replaced since. Where TLS
   * changed, what is open on the channels of before is cancelled. True when something
   * changed. Throws what reading them throws; then all stays as it was.
   */
  refresh(): boolean {
    const before = this.#access;
    const access = this.#readAccess();
    const isTlsSame = isSameTls(before.tls, access.tls);
    if (isTlsSame && isSameUser(before.user, access.user)) return false;
    this.#access = access;
    this.#token = undefined;
    if (!isTlsSame) {
      for (const client of this.#clients) client.close();
      this.#clients = this.#channels();
    }
    return true;
  }

  /** Metadata for streams, with the token of the last log-in. */
  get headers(): Readonly<Record<string, string>> {
    return this.#token === undefined ? this.#headers : { ...this.#headers, token: this.#token };
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
    const { user } = this.#access;
    if (user === undefined) return this.#call(method, request, options);
    if (this.#token === undefined) await this.#logIn(user);
    const token = this.#token;
    try {
      return await this.#call(method, request, options);
    } catch (error) {
      // What was refused for its token was not done, so it may be tried again.
      if (!(error instanceof AtollError) || !isStaleToken(error)) throw refusedTo(user, error);
      if (this.#token === token) await this.#logIn(user);
      return await this.#call(method, request, options);
    }
  }

  /** Gets a token, once for all calls that wait for one. Throws what the server says, naming the user. */
  #logIn(user: EtcdUser): Promise<void> {
    this.#loggingIn ??= this.#authenticate(user).finally(() => {
      this.#loggingIn = undefined;
    });
    return this.#loggingIn;
  }

  async #authenticate({ name, password }: EtcdUser): Promise<void> {
    // A request with a token that has expired is refused, even this one.
    this.#token = undefined;
    const request = { name, password };
    try {
      const answer = await this.#call(Auth.method.authenticate, request, { kind: "read" });
      this.#token = answer.token;
    } catch (thrown) {
      const { code, message } = AtollError.from(thrown);
      throw new AtollError(code, `can't log in as ${name}: ${message}`, { cause: thrown });
    }
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    options: EtcdCallOptions,
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

/** etcd doesn't say whom it denies something. */
function refusedTo({ name }: EtcdUser, error: unknown): unknown {
  if (!(error instanceof AtollError) || error.code !== "PERMISSION_DENIED") return error;
  const { code, message, details } = error;
  return new AtollError(code, `${message} to ${name}`, { cause: error, details });
}

/** Whether a call was refused for its token only (etcd's rpctypes: ErrInvalidAuthToken, ErrAuthOldRevision). */
function isStaleToken({ code, message }: AtollError): boolean {
  return (
    code === "UNAUTHENTICATED" ||
    (code === "INVALID_ARGUMENT" && /auth store is old|invalid auth token/.test(message))
  );
}
