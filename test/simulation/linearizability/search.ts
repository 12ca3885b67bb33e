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
}

/**
 * Looks for an order of operations that the model allows and that agrees with real time: an
 * operation that ended before another began comes first. Wing and Gong's search (1993), with
 * Lowe's memory of configurations seen before (2017), as in porcupine.
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
  const visited = new Visited<State>();
  const choices: Choice<State>[] = [];
  let state = model.initial;
  let longest: number[] = [];
  let longestState = state;
  let stuck = -1;
  let steps = 0;
  let event = list.first;
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
    if (event.isCall) {
      const next = model.step(state, operations[event.operation] as Op);
      if (next !== IMPOSSIBLE) {
        done.toggle(event.operation);
        if (visited.add(done, next)) {
          choices.push({ call: event, before: state });
          state = next;
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
    if (stuck < 0 || choices.length > longest.length) {
      longest = choices.map(({ call }) => call.operation);
      longestState = state;
      stuck = event.operation;
    }
    const last = choices.pop();
    if (last === undefined) return fail(false);
    state = last.before;
    done.toggle(last.call.operation);
    list.putBack(last.call);
    event = last.call.after;
  }
  return { found: true, order: choices.map(({ call }) => call.operation), steps };
}
