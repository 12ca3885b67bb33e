import { EventQueue } from "./event-queue.js";
import { mix } from "./raft-state.js";

/** Receives a line for each thing that happens in a world. */
export type TraceSink = (line: string) => void;

/**
 * A world's time, its pending events, and the hash of all that happened, by which two runs
 * of one seed are compared.
 */
export class WorldClock {
  now = 0;
  #hash = 0x811c_9dc5;
  readonly #queue = new EventQueue<() => void>();
  readonly #sink: TraceSink | undefined;

  constructor(sink: TraceSink | undefined) {
    this.#sink = sink;
  }

  get hash(): number {
    return this.#hash;
  }

  after(delay: number, event: () => void): void {
    this.#queue.push(this.now + delay, event);
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const next = this.#queue.pop();
    if (next === undefined) return false;
    this.now = next.time;
    next.event();
    return true;
  }

  /** Notes that something happened; the words are fixed, the numbers say what exactly. */
  note(what: string, a: number, b = 0, c = 0, d = 0, e = 0): void {
    let hash = mix(this.#hash, this.now);
    for (let i = 0; i < what.length; i++) hash = mix(hash, what.charCodeAt(i));
    hash = mix(mix(mix(mix(mix(hash, a), b), c), d), e);
    this.#hash = hash;
    this.#sink?.(`${this.now} ${what} ${a} ${b} ${c} ${d} ${e}`);
  }
}
