import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { AtollError, errorText } from "../errors.js";
import { type CallContext, GrpcCallContext, type Sink } from "./context.js";
import type { BidiHandler, CallObserver, ServerStreamHandler, UnaryHandler } from "./handlers.js";
import { decodeMessage, encodeMessage, methodPath } from "./service.js";
import { toServiceError } from "./status.js";

/** Told of errors that a caller sees as INTERNAL, so that their cause is logged. */
export type ErrorReporter = (path: string, error: AtollError) => void;

export interface Reporting {
  readonly observe: CallObserver | undefined;
  readonly report: ErrorReporter;
}

type AnyMessage = MessageShape<DescMessage>;
type WritableCall = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

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

/** Finishes the books of one call and gives the error that the caller gets. */
function finish(
  path: string,
  startMs: number,
  reporting: Reporting,
  thrown?: unknown,
): AtollError | undefined {
  const error = thrown === undefined ? undefined : AtollError.from(thrown);
  if (error !== undefined && error.code === "INTERNAL") reporting.report(path, error);
  reporting.observe?.(path, error?.code ?? "OK", (performance.now() - startMs) / 1000);
  return error;
}

/** Wraps a unary handler for grpc-js. */
export function unaryCall(
  method: DescMethod,
  handler: UnaryHandler<DescMessage, DescMessage>,
  reporting: Reporting,
): handleUnaryCall<Buffer, Buffer> {
  const path = methodPath(method);
  return (call, callback) => {
    const startMs = reporting.observe === undefined ? 0 : performance.now();
    const fail = (thrown: unknown): void => {
      const error = finish(
        path,
        startMs,
        reporting,
        thrown ?? new Error("a handler threw nothing"),
      );
      if (error !== undefined) callback(toServiceError(error));
    };
    const succeed = (answer: AnyMessage | Uint8Array): void => {
      let encoded: Buffer;
      try {
        encoded = encodeMessage(method.output, answer);
      } catch (error) {
        fail(error);
        return;
      }
      finish(path, startMs, reporting);
      callback(null, encoded);
    };
    try {
      const answer = handler(
        decodeRequest(method, call.request),
        new GrpcCallContext(call, call.request),
      );
      if (answer instanceof Promise) answer.then(succeed, fail);
      else succeed(answer);
    } catch (error) {
      fail(error);
    }
  };
}

class GrpcSink implements Sink<AnyMessage> {
  readonly #method: DescMethod;
  readonly #call: WritableCall;
  ended = false;

  constructor(method: DescMethod, call: WritableCall) {
    this.#method = method;
    this.#call = call;
    const end = (): void => {
      this.ended = true;
    };
    call.on("cancelled", end);
    call.on("close", end);
    call.on("error", end);
  }

  send(message: AnyMessage | Uint8Array): boolean {
    if (this.ended || this.#call.cancelled) return false;
    return this.#call.write(encodeMessage(this.#method.output, message));
  }

  async drained(): Promise<void> {
    const call = this.#call;
    if (this.ended || call.cancelled || !call.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ["drain", "cancelled", "close", "error"]) call.off(event, done);
        resolve();
      };
      for (const event of ["drain", "cancelled", "close", "error"]) call.on(event, done);
    });
  }
}

async function runStream(
  method: DescMethod,
  call: WritableCall,
  reporting: Reporting,
  run: (sink: GrpcSink) => Promise<void>,
): Promise<void> {
  const path = methodPath(method);
  const startMs = performance.now();
  const sink = new GrpcSink(method, call);
  try {
    await run(sink);
    finish(path, startMs, reporting);
    if (!sink.ended) call.end();
  } catch (thrown) {
    const gone = call.cancelled;
    const error = finish(
      path,
      startMs,
      reporting,
      gone ? new AtollError("CANCELLED", "the caller went away") : thrown,
    );
    if (!gone && error !== undefined) call.emit("error", toServiceError(error));
  }
}

/** Wraps a handler that answers with a stream for grpc-js. */
export function serverStreamCall(
  method: DescMethod,
  handler: ServerStreamHandler<DescMessage, DescMessage>,
  reporting: Reporting,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    void runStream(method, call, reporting, (sink) => {
      const context: CallContext = new GrpcCallContext(call, call.request);
      return handler(decodeRequest(method, call.request), sink, context);
    });
  };
}

async function* decodeRequests(
  method: DescMethod,
  call: ServerDuplexStream<Buffer, Buffer>,
): AsyncGenerator<AnyMessage> {
  for await (const bytes of call) yield decodeRequest(method, bytes as Buffer);
}

/** Wraps a handler of a stream in both directions for grpc-js. */
export function bidiCall(
  method: DescMethod,
  handler: BidiHandler<DescMessage, DescMessage>,
  reporting: Reporting,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    void runStream(method, call, reporting, (sink) =>
      handler(decodeRequests(method, call), sink, new GrpcCallContext(call, new Uint8Array(0))),
    );
  };
}
