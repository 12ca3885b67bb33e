import type { Metadata } from "@grpc/grpc-js";

/** What a handler may know of its call besides the message. */
export interface CallContext {
  /** The caller's address, for logs. */
  readonly peer: string;
  /** The request's bytes as they came off the wire; empty for streams. */
  readonly bytes: Uint8Array;
  /** Fires when the caller goes away, the deadline passes, or the server stops. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970 at which the caller gives up; Infinity when never. */
  readonly deadlineMs: number;
  /** One metadata value by its lower-case name. */
  header(name: string): string | undefined;
}

/** How a handler sends the messages of a stream. */
export interface Sink<T> {
  /**
   * Sends one message, or one that is encoded already. False when the peer is
   * slow: await `drained()` before the next, or drop to the latest state.
   */
  send(message: T | Uint8Array): boolean;
  /** Resolves when more may be sent, or when the call has ended. */
  drained(): Promise<void>;
}

/** The parts of a grpc-js server call that a context needs. */
interface CallLike {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Date | number;
  on(event: "cancelled", listener: () => void): unknown;
}

/** A context over a grpc-js call; the abort signal is made only when it is asked for. */
export class GrpcCallContext implements CallContext {
  readonly #call: CallLike;
  readonly bytes: Uint8Array;
  #abort: AbortController | undefined;

  constructor(call: CallLike, bytes: Uint8Array) {
    this.#call = call;
    this.bytes = bytes;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#call.cancelled) abort.abort();
      else this.#call.on("cancelled", () => abort.abort());
    }
    return this.#abort.signal;
  }

  get deadlineMs(): number {
    return Number(this.#call.getDeadline());
  }

  header(name: string): string | undefined {
    const value = this.#call.metadata.get(name)[0];
    return value === undefined ? undefined : value.toString();
  }
}
