import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { CallContext, Sink } from "./context.js";
import type { AnyService } from "./service.js";

type Answer<O extends DescMessage> = MessageShape<O> | Uint8Array;

/** Answers one request with one message, or with one that is encoded already. */
export type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Answer<O> | Promise<Answer<O>>;

/** Answers one request with a stream; the stream ends when the promise resolves. */
export type ServerStreamHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  sink: Sink<MessageShape<O>>,
  context: CallContext,
) => Promise<void>;

/** Serves a stream in both directions; it ends when the promise resolves. */
export type BidiHandler<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  sink: Sink<MessageShape<O>>,
  context: CallContext,
) => Promise<void>;

type HandlerOf<M> = M extends {
  methodKind: infer K;
  input: infer I extends DescMessage;
  output: infer O extends DescMessage;
}
  ? K extends "unary"
    ? UnaryHandler<I, O>
    : K extends "server_streaming"
      ? ServerStreamHandler<I, O>
      : K extends "bidi_streaming"
        ? BidiHandler<I, O>
        : never
  : never;

/**
 * The handlers of a service, transport-neutral. A method that is left out answers
 * UNIMPLEMENTED.
 */
export type Handlers<S extends AnyService> = {
  readonly [M in keyof S["method"]]?: HandlerOf<S["method"][M]>;
};

/** What the adapter may be told of each finished call, for metrics. */
export type CallObserver = (path: string, code: string, seconds: number) => void;
