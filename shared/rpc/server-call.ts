import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { AtollError } from "../errors.js";
import type { CallContext } from "./context.js";
import { parseGrpcTimeout } from "./deadline.js";
import { frameMessage } from "./framing.js";
import { errorTrailers, OK_TRAILERS } from "./trailers.js";

const RESPONSE_HEADERS = { ":status": 200, "content-type": "application/grpc" } as const;
/** node:http2 makes a date header for each response unless `sendDate` says no; gRPC has none. */
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const WITHOUT_BODY = { endStream: true, sendDate: false };
/** The longest time that a timer can run; a later deadline is none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS);
}

function ignore(): void {}

/**
 * One call on an HTTP/2 stream: what the handler may know of it, and how answers go out.
 * Everything that a plain unary call doesn't need is made only when it is asked for.
 */
export class ServerCall implements CallContext {
  readonly stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  bytes: Uint8Array = new Uint8Array(0);
  #abort: AbortController | undefined;
  #deadlineMs: number | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.stream = stream;
    this.#headers = headers;
    stream.on("error", ignore); // a reset by the peer; the handler sees it by `signal`
  }

  get peer(): string {
    const socket = this.stream.session?.socket;
    return `${socket?.remoteAddress ?? "unknown"}:${socket?.remotePort ?? 0}`;
  }

  get deadlineMs(): number {
    if (this.#deadlineMs === undefined) {
      const timeout = parseGrpcTimeout(this.header("grpc-timeout") ?? "");
      this.#deadlineMs = timeout === undefined ? Infinity : Date.now() + timeout;
    }
    return this.#deadlineMs;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.isGone) abort.abort();
      else this.#abortLater(abort);
    }
    return this.#abort.signal;
  }

  #abortLater(abort: AbortController): void {
    const leftMs = this.deadlineMs - Date.now();
    const timer =
      leftMs < MAX_TIMER_MS ? setTimeout(() => abort.abort(), Math.max(leftMs, 0)) : undefined;
    this.stream.once("close", () => {
      clearTimeout(timer);
      abort.abort();
    });
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** Whether nothing can be sent any more. */
  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  /** Whether the caller's time is over. */
  get isLate(): boolean {
    return Date.now() >= this.deadlineMs;
  }

  /** Answers a unary call: headers, the one message, trailers. */
  answer(message: Uint8Array): void {
    const { stream } = this;
    if (this.isGone) return;
    stream.respond(RESPONSE_HEADERS, WITH_TRAILERS);
    stream.once("wantTrailers", sendOkTrailers);
    stream.end(frameMessage(message));
  }

  /** Sends one message of a stream, the headers before the first. */
  write(message: Uint8Array): void {
    const { stream } = this;
    if (this.isGone || stream.writableEnded) return;
    if (!stream.headersSent) stream.respond(RESPONSE_HEADERS, WITH_TRAILERS);
    stream.write(frameMessage(message));
  }

  /** Ends the call with a status; in one piece when nothing was sent before. */
  end(error?: AtollError): void {
    const { stream } = this;
    if (this.isGone || stream.writableEnded) return;
    const trailers = error === undefined ? OK_TRAILERS : errorTrailers(error);
    if (stream.headersSent) {
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
    } else {
      stream.respond({ ...RESPONSE_HEADERS, ...trailers }, WITHOUT_BODY);
    }
    stream.resume(); // whatever still comes is of no interest, and must not hold the stream open
  }
}
