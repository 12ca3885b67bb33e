/** What a history is checked against: a sequential object whose states are primitive values. */
export interface Model<State, Op> {
  readonly initial: State;
  /**
   * The state after an operation that gave the answer it gave; IMPOSSIBLE when it can't have
   * given that answer in this state. Operations without an answer must be possible always.
   */
  step(state: State, operation: Op): State | typeof IMPOSSIBLE;
  /**
   * True if what the operation does and answers is the same in every state. Any other one
   * with an answer fits a single state, or never changes any.
   */
  isBlind(operation: Op): boolean;
}

/** What a step gives when the answer doesn't fit the state. */
export const IMPOSSIBLE = Symbol("impossible");

/** When an operation began and ended, on one clock. */
export interface Interval {
  readonly call: number;
  /** Infinity: it was never answered; it may have happened at any time after `call`, or never. */
  readonly end: number;
}
