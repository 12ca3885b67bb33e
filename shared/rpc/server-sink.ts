import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { STREAM_BUFFER_BYTES } from "../limits.js";
import type { Sink } from "./context.js";
import type { SendingCall } from "./server-call.js";
import { encodeMessage } from "./service.js";

const END_EVENTS = ["cancelled", "close", "error"] as const;

/** Sends a stream's messages on a grpc-js call, and knows when the peer is slow or gone. */
export class ServerSink implements Sink<MessageShape<DescMessage>> {
  readonly #method: DescMethod;
  readonly #call: SendingCall;
  /** Bytes that were handed to the call and have not left it. */
  #waitingBytes = 0;
  #waiters: (() => void)[] = [];
  /** Nothing can be sent any more. */
  isGone = false;

  constructor(method: DescMethod, call: SendingCall) {
    this.#method = method;
    this.#call = call;
    this.isGone = call.cancelled;
    const end = (): void => {
      this.isGone = true;
      this.#wake();
    };
    for (const event of END_EVENTS) call.once(event, end);
  }

  send(message: MessageShape<DescMessage> | Uint8Array): boolean {
    if (this.isGone) return false;
    const bytes = encodeMessage(this.#method.output, message);
    this.#waitingBytes += bytes.length;
    // grpc-js's own answer counts messages, which says nothing of memory.
    this.#call.write(bytes, () => {
      this.#waitingBytes -= bytes.length;
      if (this.#waitingBytes < STREAM_BUFFER_BYTES / 2) this.#wake();
    });
    return this.#waitingBytes < STREAM_BUFFER_BYTES;
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  async drained(): Promise<void> {
    if (this.isGone || this.#waitingBytes < STREAM_BUFFER_BYTES) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}
