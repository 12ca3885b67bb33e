/** The gRPC status names that Atoll answers with; an error carries exactly one. */
export const CODES = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type Code = keyof typeof CODES;

/** Facts about an error that a program may read: names to printable values. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** One encoded message that goes with an error, for programs; `typeName` says which. */
export interface TypedDetail {
  readonly typeName: string;
  readonly bytes: Uint8Array;
}

/**
 * The one class of error in Atoll. `message` goes to the caller, so it names the
 * field or file and what would be right; `cause` is logged and never sent.
 */
export class AtollError extends Error {
  readonly code: Code;
  readonly details: ErrorDetails;
  readonly typed: TypedDetail | undefined;

  constructor(
    code: Code,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails; typed?: TypedDetail | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AtollError";
    this.code = code;
    this.details = options.details ?? {};
    this.typed = options.typed;
  }

  /**
   * Turns anything that was thrown into an AtollError. What is not one already
   * becomes INTERNAL with a neutral message, so that internals don't leak.
   */
  static from(thrown: unknown): AtollError {
    if (thrown instanceof AtollError) return thrown;
    return new AtollError("INTERNAL", "internal error; the server's log has the cause", {
      cause: thrown,
    });
  }
}

/** The text of anything that was thrown, for a log line or a command's error. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
