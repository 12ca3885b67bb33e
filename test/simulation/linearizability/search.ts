import { type CallEvent, CallList } from "./call-list.js";
import { IMPOSSIBLE, type Interval, type Model } from "./model.js";
import { OperationSet, Visited } from "./visited.js";

/** What a search for a legal order came to. */
export type SearchResult<State> =
  | { readonly found: true; readonly order: readonly number[]; readonly steps: number }
  | {
      readonly found: false;
      /** The search was given up; there may be an order. */
      readonly undecided: boolean;
      /** The longest legal order, by place in the history, and the state after it. */
      readonly longest: readonly number[];
      readonly state: State;
      /** An operation that had to come next and couldn't. */
      readonly stuck: number;
      readonly steps: number;
    };

interface Choice<State> {
  readonly call: CallEvent;
  readonly before: State;
  /** What was chosen before it was an unanswered operation. */
  readonly afterUnanswered: boolean;
  /** It could as well be here as anywhere: another choice in its place would be no better. */
  readonly forced: boolean;
}

/** For each operation the last one before it that is its equal if neither is answered; or -1. */
function findTwins<State, Op extends Interval>(
  model: Model<State, Op>,
  operations: readonly Op[],
): number[] {
  const twins = operations.map(() => -1);
  const last = new Map<State | typeof IMPOSSIBLE, number>();
  const byCall = [...operations.entries()].sort(([, a], [, b]) => a.call - b.call);
  for (const [place, operation] of byCall) {
    if (operation.end < Infinity || !model.isBlind(operation)) continue;
    const effect = model.step(model.initial, operation);
    twins[place] = last.get(effect) ?? -1;
    last.set(effect, place);
  }
  return twins;
}

/**
 * Looks for an order of operations that the model allows and that agrees with real time: an
 * operation that ended before another began comes first. Wing and Gong's search (1993), with
 * Lowe's memory of configurations seen before (2017), as in porcupine.
 *
 * Orders in which an unanswered operation makes no difference are not tried: one that leaves
 * the state as it is, and one whose effect is overwritten before anything depends on it; the
 * same order without it is tried instead. Of unanswered operations that do the same, whatever
 * the state, the one called first is taken first, since it can be wherever another one can.
 * Answered operations are tried before unanswered ones, which are seldom needed, and one that
 * fits and leaves the state as it is, is taken at once, for good.
 *
 * @param maxSteps after which the search is given up
 */
export function findOrder<State, Op extends Interval>(
  model: Model<State, Op>,
  operations: readonly Op[],
  maxSteps: number,
): SearchResult<State> {
  const list = new CallList(operations);
  const done = new OperationSet(operations.length);
  const twins = findTwins(model, operations);
  // What may follow depends on whether an unanswered operation came last.
  const visited = { answered: new Visited<State>(), unanswered: new Visited<State>() };
  const choices: Choice<State>[] = [];
  let state = model.initial;
  let afterUnanswered = false;
  let longest: number[] = [];
  let longestState = state;
  let stuck = -1;
  let steps = 0;
  let event = list.first;
  let tryUnanswered = false;
  const fail = (undecided: boolean): SearchResult<State> => ({
    found: false,
    undecided,
    longest,
    state: longestState,
    stuck,
    steps,
  });
  while (list.answersLeft > 0 && event !== null) {
    if (++steps > maxSteps) return fail(true);
    if (event.isCall && (event.end === null) !== tryUnanswered) {
      event = event.after;
      continue;
    }
    if (event.isCall) {
      const operation = operations[event.operation] as Op;
      const next = model.step(state, operation);
      const twin = twins[event.operation] as number;
      const makesNoDifference =
        (tryUnanswered && next === state) ||
        (afterUnanswered && model.isBlind(operation)) ||
        (twin >= 0 && !done.has(twin));
      if (next !== IMPOSSIBLE && !makesNoDifference) {
        done.toggle(event.operation);
        if (visited[tryUnanswered ? "unanswered" : "answered"].add(done, next)) {
          const forced = !tryUnanswered && next === state && !model.isBlind(operation);
          choices.push({ call: event, before: state, afterUnanswered, forced });
          state = next;
          afterUnanswered = tryUnanswered;
          tryUnanswered = false;
          list.lift(event);
          event = list.first;
          continue;
        }
        done.toggle(event.operation);
      }
      event = event.after;
      continue;
    }
    // Here is an answer whose operation has no place before it.
    if (!tryUnanswered) {
      tryUnanswered = true;
      event = list.first;
      continue;
    }
    if (stuck < 0 || choices.length > longest.length) {
      longest = choices.map(({ call }) => call.operation);
      longestState = state;
      stuck = event.operation;
    }
    let last: Choice<State> | undefined;
    do {
      last = choices.pop();
      if (last === undefined) return fail(false);
      done.toggle(last.call.operation);
      list.putBack(last.call);
    } while (last.forced);
    tryUnanswered = last.call.end === null;
    ({ before: state, afterUnanswered } = last);
    event = last.call.after;
  }
  return { found: true, order: choices.map(({ call }) => call.operation), steps };
}
