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
   * Sends one message, or one that is encoded already. False when the peer is slow
   * (STREAM_BUFFER_BYTES wait for it): await `drained()` before the next, or drop to
   * the latest state.
   */
  send(message: T | Uint8Array): boolean;
  /** Resolves when more may be sent, or when the call has ended. */
  drained(): Promise<void>;
}
