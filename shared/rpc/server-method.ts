import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { AtollError, errorText } from "../errors.js";
import { STREAM_BUFFER_BYTES } from "../limits.js";
import type { Sink } from "./context.js";
import { MessageReader } from "./framing.js";
import type { BidiHandler, ServerStreamHandler, UnaryHandler } from "./handlers.js";
import type { CallBooks } from "./reporting.js";
import type { ServerCall } from "./server-call.js";
import { decodeMessage, encodeMessage } from "./service.js";

type AnyMessage = MessageShape<DescMessage>;

/** What serves the calls of one method. It never throws and never rejects. */
export type MethodServer = (call: ServerCall) => void;

/** What every method needs. */
export interface MethodParts {
  readonly method: DescMethod;
  readonly books: CallBooks;
  /** Largest request message in bytes. */
  readonly maxRequestBytes: number;
}

function decodeRequest(method: DescMethod, bytes: Uint8Array): AnyMessage {
  try {
    return decodeMessage(method.input, bytes);
  } catch (error) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      `the request is not a ${method.input.typeName} message: ${errorText(error)}`,
      { cause: error },
    );
  }
}

/** Calls `onRequest` with the one request of a call, or `onError`; at most one of them, once. */
function receiveOne(
  call: ServerCall,
  maxBytes: number,
  onRequest: (bytes: Buffer) => void,
  onError: (thrown: unknown) => void,
): void {
  const reader = new MessageReader(maxBytes);
  let isDone = false;
  call.stream.on("data", (piece: Buffer) => {
    if (isDone) return;
    reader.push(piece);
    try {
      const message = reader.next();
      if (message === undefined) return;
      isDone = true;
      onRequest(message);
    } catch (error) {
      isDone = true;
      onError(error);
    }
  });
  call.stream.once("end", () => {
    if (isDone || call.isGone) return;
    isDone = true;
    onError(new AtollError("INTERNAL", "the call ended without a whole request message"));
  });
}

/** Serves a unary method. */
export function unaryServer(
  { method, books, maxRequestBytes }: MethodParts,
  handler: UnaryHandler<DescMessage, DescMessage>,
): MethodServer {
  return (call) => {
    const beginMs = books.begin();
    const fail = (thrown: unknown): void => {
      call.end(books.failed(beginMs, thrown ?? new Error("a handler threw nothing")));
    };
    const succeed = (answer: AnyMessage | Uint8Array): void => {
      try {
        call.answer(encodeMessage(method.output, answer));
        books.succeeded(beginMs);
      } catch (error) {
        fail(error);
      }
    };
    const serve = (bytes: Buffer): void => {
      call.bytes = bytes;
      const answer = handler(decodeRequest(method, bytes), call);
      if (answer instanceof Promise) answer.then(succeed, fail);
      else succeed(answer);
    };
    receiveOne(call, maxRequestBytes, serve, fail);
  };
}

class StreamSink implements Sink<AnyMessage> {
  readonly #method: DescMethod;
  readonly #call: ServerCall;

  constructor(method: DescMethod, call: ServerCall) {
    this.#method = method;
    this.#call = call;
  }

  send(message: AnyMessage | Uint8Array): boolean {
    this.#call.write(encodeMessage(this.#method.output, message));
    return !this.#call.isGone && this.#call.stream.writableLength < STREAM_BUFFER_BYTES;
  }

  async drained(): Promise<void> {
    const { stream } = this.#call;
    if (this.#call.isGone || !stream.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off("drain", done);
        stream.off("close", done);
        resolve();
      };
      stream.on("drain", done);
      stream.on("close", done);
    });
  }
}

/** Runs a stream's handler to its end and ends the call. */
async function runStream(
  { method, books }: MethodParts,
  call: ServerCall,
  run: (sink: StreamSink) => Promise<void>,
): Promise<void> {
  const beginMs = books.begin();
  let late: AtollError | undefined;
  const endWhenLate = (): void => {
    if (!call.isLate) return;
    late = new AtollError("DEADLINE_EXCEEDED", "the deadline has passed");
    call.end(late);
  };
  if (Number.isFinite(call.deadlineMs)) {
    call.signal.addEventListener("abort", endWhenLate, { once: true });
  }
  try {
    await run(new StreamSink(method, call));
    if (late !== undefined) throw late;
    call.end();
    books.succeeded(beginMs);
  } catch (thrown) {
    const gone = call.isGone ? new AtollError("CANCELLED", "the caller went away") : undefined;
    call.end(books.failed(beginMs, late ?? gone ?? thrown));
  }
}

/** Serves a method that answers with a stream. */
export function serverStreamServer(
  parts: MethodParts,
  handler: ServerStreamHandler<DescMessage, DescMessage>,
): MethodServer {
  return (call) => {
    const serve = (bytes: Buffer): void => {
      call.bytes = bytes;
      void runStream(parts, call, (sink) =>
        handler(decodeRequest(parts.method, bytes), sink, call),
      );
    };
    receiveOne(call, parts.maxRequestBytes, serve, (thrown) =>
      call.end(parts.books.failed(parts.books.begin(), thrown)),
    );
  };
}

async function* receiveAll(parts: MethodParts, call: ServerCall): AsyncGenerator<AnyMessage> {
  const reader = new MessageReader(parts.maxRequestBytes);
  // A handler may stop reading and still answer, so the end of reading must not end the stream.
  for await (const piece of call.stream.iterator({ destroyOnReturn: false })) {
    reader.push(piece as Buffer);
    for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) {
      yield decodeRequest(parts.method, bytes);
    }
  }
  if (reader.isInside) throw new AtollError("INTERNAL", "the call ended within a request message");
}

/** Serves a method with streams in both directions. */
export function bidiServer(
  parts: MethodParts,
  handler: BidiHandler<DescMessage, DescMessage>,
): MethodServer {
  return (call) => {
    void runStream(parts, call, (sink) => handler(receiveAll(parts, call), sink, call));
  };
}
