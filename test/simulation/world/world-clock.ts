import { EventQueue } from "./event-queue.js";
import { hashBytes, mix } from "./hash.js";

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
  readonly #textHashes = new Map<string, number>();
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

  /** Notes that something happened; each % in the text stands for one of the numbers. */
  note(text: string, a: number, b = 0, c = 0, d = 0, e = 0): void {
    let hash = mix(mix(this.#hash, this.now), this.#hashText(text));
    hash = mix(mix(mix(mix(mix(hash, a), b), c), d), e);
    this.#hash = hash;
    if (this.#sink === undefined) return;
    const numbers = [a, b, c, d, e];
    this.#sink(`${this.now} ${text.replaceAll("%", () => String(numbers.shift()))}`);
  }

  #hashText(text: string): number {
    let hash = this.#textHashes.get(text);
    if (hash === undefined) {
      hash = hashBytes(new TextEncoder().encode(text));
      this.#textHashes.set(text, hash);
    }
    return hash;
  }
}
