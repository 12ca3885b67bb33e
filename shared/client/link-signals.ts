/** A signal that fires with the first of several, until it is released. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Leaves nothing of it at the signals, which may outlive many calls. */
  readonly release: () => void;
}

/** Makes one signal of several; undefined ones never fire. */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of signals) {
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort);
  }
  const release = (): void => {
    for (const signal of signals) signal?.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, release };
}
