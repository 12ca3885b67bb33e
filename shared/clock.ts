/** Where a shell reads time. Pure cores receive the reading, never the clock. */
export interface Clock {
  /** Milliseconds, fractional, that never go back; for durations. */
  monotonicMs(): number;
  /** Milliseconds since 1970 UTC; for people to read, never for order. */
  wallMs(): number;
}

/** This process's own clocks. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
