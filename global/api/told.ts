import type { Position } from "./position.js";
import type { Teller } from "./teller.js";

/** What a subscriber is to be told now, besides notices. */
export interface Due {
  readonly updates: boolean;
  readonly heartbeat: boolean;
}

/** What leads on from a position, for all who stand there. */
export interface Step {
  readonly frames: readonly Uint8Array[];
  readonly bytes: number;
  readonly to: Position;
  /** There are updates among the frames. */
  readonly hasUpdates: boolean;
  /** Why the subscription ends after these; undefined when it doesn't. */
  readonly error: unknown;
}

/** What is told at one moment: found once for each position and what is due. */
export class Told {
  readonly #teller: Teller;
  readonly #nowMs: number;
  readonly #withUpdates = new Map<Position, Step>();
  readonly #others = new Map<Position, Step>();

  constructor(teller: Teller, nowMs: number) {
    this.#teller = teller;
    this.#nowMs = nowMs;
  }

  /** The step from a position; `due.heartbeat` is the same for all who stand at one. */
  step(from: Position, due: Due): Step {
    const known = due.updates ? this.#withUpdates : this.#others;
    let step = known.get(from);
    if (step === undefined) {
      step = this.#find(from, due);
      // What fails is found anew for each, so that each is counted.
      if (step.error === undefined) known.set(from, step);
    }
    return step;
  }

  #find(from: Position, due: Due): Step {
    const frames: Uint8Array[] = [];
    let to = from;
    let hasUpdates = false;
    let error: unknown;
    try {
      to = this.#teller.notices(to, frames);
      // Who waits for this gateway to catch up has to be looked after.
      if (due.updates || to.waiting.size > 0) {
        const before = frames.length;
        to = this.#teller.updates(to, this.#nowMs, frames);
        hasUpdates = frames.length > before;
      }
      if (due.heartbeat) frames.push(this.#teller.heartbeat(to));
    } catch (thrown) {
      error = thrown ?? new Error("a subscription failed with nothing");
    }
    const bytes = frames.reduce((sum, { length }) => sum + length, 0);
    return { frames, bytes, to, hasUpdates, error };
  }
}
