import { type Message, MessageType } from "../../../regional/raft/index.js";
import type { Random } from "../../../shared/random.js";
import type { WorldStats } from "./stats.js";
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
  /** Chance of a delay many times as long, which lets later messages overtake. */
  readonly straggling: number;
  /** By how much a straggler is later than others. */
  readonly stragglerFactor: number;
}

/** A network without faults, for the time in which a world must recover. */
export const GOOD_NETWORK: NetworkSettings = {
  loss: 0,
  doubling: 0,
  minDelay: 3,
  maxDelay: 3,
  straggling: 0,
  stragglerFactor: 1,
};

/** What becomes of messages at their ends. */
export interface NetworkEnds {
  deliver(message: Message): void;
  /** The sender may learn that a message did or did not arrive. */
  report(message: Message, arrived: boolean): void;
  deliverAudit(from: number, to: number, frame: Buffer): void;
}

/** Links between members that lose, delay, double and reorder messages, and partitions. */
export class SimNetwork {
  settings: NetworkSettings;
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: WorldStats;
  readonly #ends: NetworkEnds;
  /** Blocked ways, as from * 64 + to. */
  readonly #blocked = new Set<number>();
  readonly #lastArrived = new Map<number, number>();
  #sent = 0;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: WorldStats,
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

  /** True if messages get from one to the other. */
  reaches(from: number, to: number): boolean {
    return !this.#blocked.has(from * 64 + to);
  }

  /** Unblocks all ways. */
  heal(): void {
    this.#blocked.clear();
  }

  /** True if a message may come twice. Each proposal would be another one: see ready.ts. */
  mayDouble(message: Message): boolean {
    return message.type !== MessageType.prop;
  }

  send(message: Message): void {
    const { loss, doubling } = this.settings;
    this.#stats.messages++;
    if (this.#random.chance(loss)) {
      this.#lose(message);
      return;
    }
    this.#launch(message);
    if (this.mayDouble(message) && this.#random.chance(doubling)) {
      this.#stats.messagesDoubled++;
      this.#launch(message);
    }
  }

  /** Sends a frame of the members' audits; it may be lost, like anything else. */
  sendAudit(from: number, to: number, frame: Buffer): void {
    if (this.#random.chance(this.settings.loss)) return;
    this.#clock.after(this.#delay(), () => {
      if (!this.#blocked.has(from * 64 + to)) this.#ends.deliverAudit(from, to, frame);
    });
  }

  #delay(): number {
    const { minDelay, maxDelay, straggling, stragglerFactor } = this.settings;
    const delay = minDelay + this.#random.int(maxDelay - minDelay + 1);
    return this.#random.chance(straggling) ? delay * stragglerFactor : delay;
  }

  #launch(message: Message): void {
    const isSnapshot = message.type === MessageType.snap;
    const order = ++this.#sent;
    const way = message.from * 64 + message.to;
    this.#clock.after(this.#delay() * (isSnapshot ? 3 : 1), () => {
      if (this.#blocked.has(way)) {
        this.#lose(message);
        return;
      }
      const last = this.#lastArrived.get(way) ?? 0;
      if (order < last) this.#stats.messagesReordered++;
      else this.#lastArrived.set(way, order);
      this.#note("deliver", message);
      this.#ends.deliver(message);
      if (isSnapshot) this.#ends.report(message, true);
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
