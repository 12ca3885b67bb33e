import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
} from "@grpc/grpc-js";
import { AtollError, errorText } from "../errors.js";
import type { BidiHandler, ServerStreamHandler, UnaryHandler } from "./handlers.js";
import type { CallBooks } from "./reporting.js";
import { type SendingCall, ServerCall } from "./server-call.js";
import { ServerSink } from "./server-sink.js";
import { decodeMessage, encodeMessage } from "./service.js";
import { toServiceError } from "./status.js";

type AnyMessage = MessageShape<DescMessage>;

/** What every method needs. */
export interface MethodParts {
  readonly method: DescMethod;
  readonly books: CallBooks;
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

/** Serves a unary method. */
export function unaryServer(
  { method, books }: MethodParts,
  handler: UnaryHandler<DescMessage, DescMessage>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const beginMs = books.begin();
    const fail = (thrown: unknown): void => {
      const error = books.failed(beginMs, thrown ?? new Error("a handler threw nothing"));
      callback(toServiceError(error));
    };
    const succeed = (answer: AnyMessage | Uint8Array): void => {
      let bytes: Buffer;
      try {
        bytes = encodeMessage(method.output, answer);
      } catch (error) {
        fail(error);
        return;
      }
      callback(null, bytes);
      books.succeeded(beginMs);
    };
    try {
      const request = decodeRequest(method, call.request);
      const answer = handler(request, new ServerCall(call, call.request));
      if (answer instanceof Promise) answer.then(succeed, fail);
      else succeed(answer);
    } catch (error) {
      fail(error);
    }
  };
}

/** Runs a stream's handler to its end and ends the call. */
async function runStream(
  { method, books }: MethodParts,
  call: SendingCall,
  run: (sink: ServerSink) => Promise<void>,
): Promise<void> {
  const beginMs = books.begin();
  const sink = new ServerSink(method, call);
  try {
    await run(sink);
    if (sink.isGone) throw new AtollError("CANCELLED", "the caller went away");
    call.end();
    books.succeeded(beginMs);
  } catch (thrown) {
    if (!sink.isGone) {
      call.emit("error", toServiceError(books.failed(beginMs, thrown)));
      return;
    }
    // grpc-js ends a call by itself at its deadline, or when the caller goes away.
    const isLate = Date.now() >= Number(call.getDeadline());
    const late = new AtollError("DEADLINE_EXCEEDED", "the deadline has passed");
    books.failed(beginMs, isLate ? late : new AtollError("CANCELLED", "the caller went away"));
  }
}

/** Serves a method that answers with a stream. */
export function serverStreamServer(
  parts: MethodParts,
  handler: ServerStreamHandler<DescMessage, DescMessage>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    void runStream(parts, call, async (sink) =>
      handler(decodeRequest(parts.method, call.request), sink, new ServerCall(call, call.request)),
    );
  };
}

async function* receiveAll(
  method: DescMethod,
  call: ServerDuplexStream<Buffer, Buffer>,
): AsyncGenerator<AnyMessage> {
  // A handler may stop reading and still answer, so the end of reading must not end the stream.
  for await (const bytes of call.iterator({ destroyOnReturn: false })) {
    yield decodeRequest(method, bytes as Buffer);
  }
}

/** Serves a method with streams in both directions. */
export function bidiServer(
  parts: MethodParts,
  handler: BidiHandler<DescMessage, DescMessage>,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    void runStream(parts, call, async (sink) =>
      handler(receiveAll(parts.method, call), sink, new ServerCall(call, new Uint8Array(0))),
    );
  };
}
