/** A promise together with the calls that settle it. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;

  constructor() {
    let settle: { resolve: (value: T) => void; reject: (reason: unknown) => void } | undefined;
    this.promise = new Promise<T>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // The executor has run by now.
    const { resolve, reject } = settle as NonNullable<typeof settle>;
    this.resolve = resolve;
    this.reject = reject;
  }
}
