import type { Clock } from "../../shared/clock.js";
import { MAX_SAID_EVENTS, SAY_TURN_MS } from "../../shared/limits.js";
import type { SourceEvent, SourceOutput } from "./types.js";

export interface OutletOptions {
  readonly clock: Clock;
  /** Takes what is said. */
  readonly say: (output: SourceOutput) => void;
  /** Something was not taken: `say` threw. All that waited behind it is dropped. */
  readonly failed: (error: unknown) => void;
}

interface Waiting {
  readonly atMost: number;
  readonly resolve: () => void;
}

/**
 * Hands on what a source says, in order, a piece at a time: who takes it folds thousands
 * of records a piece, and a process that did so for a whole page or backlog at once would
 * answer nobody meanwhile. What is little is handed on at once.
 */
export class Outlet {
  readonly #options: OutletOptions;
  #queue: SourceOutput[] = [];
  /** Of the queue's first output: records that were said. */
  #said = 0;
  #size = 0;
  #isDraining = false;
  #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** Records and changes that wait. */
  get size(): number {
    return this.#size;
  }

  /** Says these after all that waits, at once where that doesn't take long. */
  push(outputs: readonly SourceOutput[]): void {
    if (this.#isClosed) return;
    for (const output of outputs) {
      // What waits is void.
      if (output.kind === "reset") this.#clear();
      this.#queue.push(output);
      this.#size += eventsOf(output).length;
    }
    if (!this.#isDraining) this.#drain();
  }

  /** Resolves when no more than so many records and changes wait, or it is closed. */
  async hasAtMost(events: number): Promise<void> {
    if (this.#size <= events) return;
    await new Promise<void>((resolve) => this.#waiting.push({ atMost: events, resolve }));
  }

  /** Says nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#clear();
  }

  #clear(): void {
    this.#queue = [];
    this.#said = 0;
    this.#size = 0;
    this.#wake();
  }

  #drain(): void {
    const { clock, say, failed } = this.#options;
    const beganMs = clock.monotonicMs();
    this.#isDraining = true;
    try {
      for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
        say(piece);
        if (this.#queue.length > 0 && clock.monotonicMs() - beganMs >= SAY_TURN_MS) {
          setImmediate(() => this.#drain());
          return;
        }
      }
      this.#isDraining = false;
    } catch (error) {
      this.#isDraining = false;
      this.#clear();
      failed(error);
    } finally {
      this.#wake();
    }
  }

  #wake(): void {
    const ready = this.#waiting.filter(({ atMost }) => this.#size <= atMost);
    this.#waiting = this.#waiting.filter(({ atMost }) => this.#size > atMost);
    for (const { resolve } of ready) resolve();
  }

  #next(): SourceOutput | undefined {
    const [output] = this.#queue;
    if (output === undefined) return undefined;
    const events = eventsOf(output);
    const end = pieceEnd(output, events, this.#said);
    const piece = pieceOf(output, events, this.#said, end);
    this.#size -= end - this.#said;
    this.#said = end;
    if (end === events.length) {
      this.#queue.shift();
      this.#said = 0;
    }
    return piece;
  }
}

function eventsOf(output: SourceOutput): readonly SourceEvent[] {
  if (output.kind === "load") return output.records;
  return output.kind === "batch" ? output.events : [];
}

/** Where a piece ends; changes of one revision stay together. */
function pieceEnd(output: SourceOutput, events: readonly SourceEvent[], from: number): number {
  let end = Math.min(from + MAX_SAID_EVENTS, events.length);
  if (output.kind !== "batch") return end;
  while (end < events.length && events[end]?.modRevision === events[end - 1]?.modRevision) end++;
  return end;
}

function pieceOf(
  output: SourceOutput,
  events: readonly SourceEvent[],
  from: number,
  end: number,
): SourceOutput {
  const isWhole = from === 0 && end === events.length;
  if (isWhole) return output;
  const part = events.slice(from, end);
  const isLast = end === events.length;
  if (output.kind === "load") return { ...output, records: part, done: isLast && output.done };
  if (output.kind !== "batch") return output;
  const revision = isLast ? output.revision : (part.at(-1)?.modRevision ?? output.revision);
  return { ...output, events: part, revision };
}
