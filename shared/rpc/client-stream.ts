import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { ClientDuplexStream, ClientReadableStream } from "@grpc/grpc-js";
import { AtollError } from "../errors.js";
import { decodeMessage, encodeMessage } from "./service.js";
import { fromServiceError } from "./status.js";

/**
 * A stream that a server answers with. Iterating it ends when the server ends
 * it, and throws an AtollError when it fails. Only one iteration is possible.
 */
export class ClientStream<I extends DescMessage, O extends DescMessage>
  implements AsyncIterable<MessageShape<O>>
{
  readonly #method: DescMethod & { input: I; output: O };
  readonly #readable: ClientReadableStream<Buffer>;
  readonly #writable: ClientDuplexStream<Buffer, Buffer> | undefined;
  readonly #target: string;

  constructor(
    method: DescMethod & { input: I; output: O },
    readable: ClientReadableStream<Buffer>,
    writable: ClientDuplexStream<Buffer, Buffer> | undefined,
    target: string,
    signal: AbortSignal | undefined,
  ) {
    this.#method = method;
    this.#readable = readable;
    this.#writable = writable;
    this.#target = target;
    // A failure reaches the iteration; without this, one that comes before it would be thrown.
    readable.on("error", () => {});
    if (signal?.aborted === true) this.cancel();
    else if (signal !== undefined) {
      const abort = (): void => this.cancel();
      signal.addEventListener("abort", abort, { once: true });
      // A signal may outlive many streams.
      readable.once("close", () => signal.removeEventListener("abort", abort));
    }
  }

  /** Sends one request. False when the server is slow to take it. */
  send(request: MessageInitShape<I> | Uint8Array): boolean {
    if (this.#writable === undefined)
      throw new Error(`${this.#method.name} takes one request only`);
    const message = request instanceof Uint8Array ? request : create(this.#method.input, request);
    return this.#writable.write(encodeMessage(this.#method.input, message));
  }

  /** Says that no more requests come; answers go on. */
  closeSend(): void {
    this.#writable?.end();
  }

  /** Ends the call. */
  cancel(): void {
    this.#readable.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MessageShape<O>> {
    try {
      for await (const bytes of this.#readable) {
        let message: MessageShape<O>;
        try {
          message = decodeMessage(this.#method.output, bytes as Buffer);
        } catch (error) {
          throw new AtollError("DATA_LOSS", `${this.#target} sent a malformed message`, {
            cause: error,
          });
        }
        yield message;
      }
    } catch (error) {
      throw fromServiceError(error, this.#target);
    } finally {
      this.cancel();
    }
  }
}
