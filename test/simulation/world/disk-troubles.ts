import type { Random } from "../../../shared/random.js";
import type { WorldClock } from "./world-clock.js";

/** Most time that a disk in order takes for a sync. */
const GOOD_SYNC_TIME = 5;

/** What is wrong with a disk. */
interface Trouble {
  stalledUntil: number;
  fullUntil: number;
  writeFails: boolean;
  readFails: boolean;
}

function noTrouble(): Trouble {
  return { stalledUntil: 0, fullUntil: 0, writeFails: false, readFails: false };
}

/** What is wrong with the disks of a world, and how slow they are. */
export class DiskTroubles {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #troubles = new Map<number, Trouble>();
  #maxSyncTime: number;

  constructor(clock: WorldClock, random: Random, maxSyncTime: number) {
    this.#clock = clock;
    this.#random = random;
    this.#maxSyncTime = maxSyncTime;
  }

  stall(id: number, time: number): void {
    this.#of(id).stalledUntil = this.#clock.now + time;
  }

  fill(id: number, time: number): void {
    this.#of(id).fullUntil = this.#clock.now + time;
  }

  /** The next write fails, or the next start. */
  break(id: number, kind: "write" | "read"): void {
    if (kind === "write") this.#of(id).writeFails = true;
    else this.#of(id).readFails = true;
  }

  isFull(id: number): boolean {
    return this.#of(id).fullUntil > this.#clock.now;
  }

  /** Time that a sync takes which begins now. */
  syncTime(id: number): number {
    const { stalledUntil, fullUntil } = this.#of(id);
    const wait = Math.max(0, stalledUntil - this.#clock.now, fullUntil - this.#clock.now);
    return wait + 1 + this.#random.int(this.#maxSyncTime);
  }

  /** True if a read or write fails, this one time. */
  takeFailure(id: number, kind: "write" | "read"): boolean {
    const trouble = this.#of(id);
    const fails = kind === "write" ? trouble.writeFails : trouble.readFails;
    if (kind === "write") trouble.writeFails = false;
    else trouble.readFails = false;
    return fails;
  }

  /** All disks are in order from now on, and fast. */
  heal(): void {
    this.#troubles.clear();
    this.#maxSyncTime = Math.min(this.#maxSyncTime, GOOD_SYNC_TIME);
  }

  #of(id: number): Trouble {
    let trouble = this.#troubles.get(id);
    if (trouble === undefined) {
      trouble = noTrouble();
      this.#troubles.set(id, trouble);
    }
    return trouble;
  }
}
