/**
 * Throws when an invariant doesn't hold. The message may be a function, so that
 * hot paths pay nothing for its text.
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) {
    throw new Error(`invariant violated: ${typeof message === "string" ? message : message()}`);
  }
}

/** Returns `value`, or throws when it is null or undefined. */
export function must<T>(value: T | null | undefined, message: string | (() => string)): T {
  assert(value !== null && value !== undefined, message);
  return value;
}
