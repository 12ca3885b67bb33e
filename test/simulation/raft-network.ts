import { type Message, MessageType } from "../../regional/raft/index.js";
import type { Random } from "../../shared/random.js";
import type { RaftStats } from "./raft-stats.js";
import type { WorldClock } from "./world-clock.js";

const TYPE_NAMES = new Map<number, string>(
  Object.entries(MessageType).map(([name, type]) => [type, name]),
);

/** How bad a network is. Delays are in units of virtual time. */
export interface NetworkSettings {
  readonly loss: number;
  readonly doubling: number;
  readonly minDelay: number;
  readonly maxDelay: number;
  /** Chance of a delay ten times as long, which lets later messages overtake. */
  readonly straggling: number;
}

/** What becomes of messages at their ends. */
export interface NetworkEnds {
  deliver(message: Message): void;
  /** The sender may learn that a message did or did not arrive. */
  report(message: Message, arrived: boolean): void;
}

/** Links between members that lose, delay, double and reorder messages, and partitions. */
export class SimNetwork {
  settings: NetworkSettings;
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: RaftStats;
  readonly #ends: NetworkEnds;
  /** Blocked ways, as from * 64 + to. */
  readonly #blocked = new Set<number>();
  readonly #lastArrived = new Map<number, number>();
  #sent = 0;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: RaftStats,
    settings: NetworkSettings,
    ends: NetworkEnds,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.settings = settings;
    this.#ends = ends;
  }

  /** Blocks the way from each of `from` to each of `to`. */
  block(from: readonly number[], to: readonly number[]): void {
    for (const a of from) for (const b of to) if (a !== b) this.#blocked.add(a * 64 + b);
  }

  /** Unblocks all ways. */
  heal(): void {
    this.#blocked.clear();
  }

  send(message: Message): void {
    const { loss, doubling } = this.settings;
    this.#stats.messages++;
    if (this.#random.chance(loss)) {
      this.#lose(message);
      return;
    }
    this.#launch(message);
    if (this.#random.chance(doubling)) {
      this.#stats.messagesDoubled++;
      this.#launch(message);
    }
  }

  #launch(message: Message): void {
    const { minDelay, maxDelay, straggling } = this.settings;
    let delay = minDelay + this.#random.int(maxDelay - minDelay + 1);
    if (message.type === MessageType.snap) delay *= 3;
    if (this.#random.chance(straggling)) delay *= 10;
    const order = ++this.#sent;
    const way = message.from * 64 + message.to;
    this.#clock.after(delay, () => {
      if (this.#blocked.has(way)) {
        this.#lose(message);
        return;
      }
      const last = this.#lastArrived.get(way) ?? 0;
      if (order < last) this.#stats.messagesReordered++;
      else this.#lastArrived.set(way, order);
      this.#note("deliver", message);
      this.#ends.deliver(message);
      if (message.type === MessageType.snap) this.#ends.report(message, true);
    });
  }

  #lose(message: Message): void {
    this.#stats.messagesLost++;
    this.#note("lose", message);
    // Whoever sends a snapshot learns of its fate; a lost append may go unnoticed.
    if (message.type === MessageType.snap || this.#random.chance(0.2)) {
      this.#clock.after(1 + this.#random.int(20), () => this.#ends.report(message, false));
    }
  }

  #note(what: string, { type, from, to, term, index, entries }: Message): void {
    const text = `${what} ${TYPE_NAMES.get(type) ?? type} % -> %: term %, index %, % entries`;
    this.#clock.note(text, from, to, term, index, entries.length);
  }
}
