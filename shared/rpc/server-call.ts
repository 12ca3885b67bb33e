import type { Metadata, ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import type { CallContext } from "./context.js";

/** A stream that a server sends on, in grpc-js's terms. */
export type SendingCall = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** The parts of a grpc-js server call that a context needs. */
interface AnyCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Date | number;
  on(event: "cancelled", listener: () => void): unknown;
}

/** A handler's view of a grpc-js call; the abort signal is made only when it is asked for. */
export class ServerCall implements CallContext {
  readonly bytes: Uint8Array;
  readonly #call: AnyCall;
  #abort: AbortController | undefined;

  constructor(call: AnyCall, bytes: Uint8Array) {
    this.#call = call;
    this.bytes = bytes;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get deadlineMs(): number {
    return Number(this.#call.getDeadline());
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

  header(name: string): string | undefined {
    return this.#call.metadata.get(name)[0]?.toString();
  }
}
