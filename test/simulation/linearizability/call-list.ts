import type { Interval } from "./model.js";

/** The beginning or the end of an operation, in a list by time. */
export interface CallEvent {
  /** The operation's place in the history. */
  readonly operation: number;
  /** The operation's end; null for an event that is an end, or if there was no answer. */
  readonly end: CallEvent | null;
  readonly isCall: boolean;
  readonly time: number;
  before: CallEvent | null;
  after: CallEvent | null;
}

function earlierFirst(a: CallEvent, b: CallEvent): number {
  // What ends when another begins overlaps it: nothing tells which was first.
  return a.time - b.time || Number(b.isCall) - Number(a.isCall) || a.operation - b.operation;
}

/**
 * Calls and answers of a history by time, from which operations can be lifted and put back in
 * the reverse order (the linked list of Wing and Gong's algorithm).
 */
export class CallList {
  first: CallEvent | null = null;
  /** Operations with an answer that have not been lifted. */
  answersLeft = 0;

  constructor(operations: readonly Interval[]) {
    const events: CallEvent[] = [];
    for (const [operation, { call, end }] of operations.entries()) {
      let answer: CallEvent | null = null;
      if (end < Infinity) {
        this.answersLeft++;
        answer = { operation, end: null, isCall: false, time: end, before: null, after: null };
        events.push(answer);
      }
      events.push({ operation, end: answer, isCall: true, time: call, before: null, after: null });
    }
    events.sort(earlierFirst);
    this.first = events[0] ?? null;
    for (let i = 1; i < events.length; i++) {
      const event = events[i] as CallEvent;
      event.before = events[i - 1] as CallEvent;
      event.before.after = event;
    }
  }

  /** Takes an operation out. */
  lift(call: CallEvent): void {
    this.#take(call);
    if (call.end === null) return;
    this.#take(call.end);
    this.answersLeft--;
  }

  /** Puts back the operation that was lifted last. */
  putBack(call: CallEvent): void {
    if (call.end !== null) {
      this.#put(call.end);
      this.answersLeft++;
    }
    this.#put(call);
  }

  #take({ before, after }: CallEvent): void {
    if (before === null) this.first = after;
    else before.after = after;
    if (after !== null) after.before = before;
  }

  #put(event: CallEvent): void {
    const { before, after } = event;
    if (before === null) this.first = event;
    else before.after = event;
    if (after !== null) after.before = event;
  }
}
