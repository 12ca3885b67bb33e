/** The two readings of time that the mesh decides by, in milliseconds. */
export interface Now {
  /** For intervals and time-outs: never goes back, may stand still while a machine sleeps. */
  readonly monotonicMs: number;
  /**
   * For ages: advances by the larger advance of monotonic and wall clock, so that a
   * machine that slept doesn't take old news for new.
   */
  readonly ageMs: number;
}
