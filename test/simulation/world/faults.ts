import type { Random } from "../../../shared/random.js";
import type { SimMember } from "./member.js";
import type { SimNetwork } from "./network.js";
import { type Fault, LEAST_FAULTS, MEAN_TICK, type WorldSettings } from "./settings.js";
import type { WorldStats } from "./stats.js";
import type { WorldClock } from "./world-clock.js";

/** What faults are done to. */
export interface FaultTargets {
  readonly ids: readonly number[];
  running(): readonly SimMember[];
  /** The process ends; the disk forgets what was not synced. */
  crash(id: number): void;
  start(id: number): void;
  /** False: it doesn't run, or stands still already. */
  pause(id: number, time: number): boolean;
  stallDisk(id: number, time: number): void;
  fillDisk(id: number, time: number): void;
  /** The next write fails, or the next start. */
  breakDisk(id: number, kind: "write" | "read"): void;
  setTickPeriod(id: number, period: number): void;
  /** The member's clock runs ahead by some ticks at once. */
  jump(id: number, ticks: number): boolean;
  flipBit(id: number): boolean;
}

/** Virtual time that a frail leader lives at most: time for a few messages. */
const MAX_FRAIL_LIFE = 60;
const MAX_STALL = 500;
/** After so many faults they come half as often, so that even harsh worlds get things done. */
const MANY_FAULTS = 60;
/** After a fault, how likely there is none for a while, and the most of that while. */
const CALM = 0.15;
const MAX_CALM = 1500;

/** The trouble of a world, one piece at a time. */
export class FaultInjector {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: WorldStats;
  readonly #network: SimNetwork;
  readonly #targets: FaultTargets;
  readonly #settings: WorldSettings;
  #stopped = false;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: WorldStats,
    network: SimNetwork,
    targets: FaultTargets,
    settings: WorldSettings,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.#network = network;
    this.#targets = targets;
    this.#settings = settings;
  }

  start(): void {
    const calm = this.#random.chance(CALM) ? MAX_CALM : 0;
    const period = this.#settings.faultPeriod * (1 + this.#stats.faults / MANY_FAULTS);
    this.#clock.after(1 + this.#random.int(2 * period + calm), () => {
      if (this.#stopped) return;
      if (this.#inject(this.#random.pick(this.#settings.faults))) this.#stats.faults++;
      this.start();
    });
  }

  /** There was trouble enough for a world. */
  get enough(): boolean {
    return this.#stats.faults >= LEAST_FAULTS;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** A new leader may not be heard, or not live long, nor those who voted for it. */
  elected(leader: SimMember): void {
    const random = this.#random;
    if (this.#stopped || !random.chance(this.#settings.leaderFrailty)) return;
    this.#stats.faults++;
    if (random.chance(0.5)) this.#partition([leader.id], this.#targets.ids, false);
    else this.#crashSoon(leader.id);
    if (random.chance(0.5)) this.#crashSoon(random.pick(this.#targets.ids));
  }

  /** False: there was nothing that it could be done to. */
  #inject(fault: Fault): boolean {
    const random = this.#random;
    const { ids } = this.#targets;
    const id = random.pick(ids);
    const leader = this.#findLeader();
    this.#clock.note(`fault ${fault}, at % or leader %`, id, leader ?? 0);
    switch (fault) {
      case "crash":
        return this.#crash(id);
      case "crash-leader":
        return leader !== undefined && this.#crash(leader);
      case "power-cut":
        if (!random.chance(0.3)) return false;
        this.#stats.powerCuts++;
        for (const each of ids) this.#crash(each);
        return true;
      case "pause":
        return this.#pause(id);
      case "pause-leader":
        return leader !== undefined && this.#pause(leader);
      case "bit-flip":
        return this.#targets.flipBit(id);
      case "isolate":
      case "isolate-leader":
      case "split":
      case "one-way":
      case "cut-link":
        return this.#cut(fault, id, leader);
      case "disk-stall":
      case "disk-full":
      case "disk-write-error":
      case "disk-read-error":
        return this.#hurtDisk(fault, id);
      case "clock-rate":
        this.#stats.clockRateChanges++;
        this.#targets.setTickPeriod(id, (MEAN_TICK >> 1) + random.int(MEAN_TICK));
        return true;
      case "clock-jump":
        if (!this.#targets.jump(id, 1 + random.int(2 * this.#settings.node.electionTicks))) {
          return false;
        }
        this.#stats.clockJumps++;
        return true;
    }
  }

  #findLeader(): number | undefined {
    const leaders = this.#targets.running().filter(({ leads }) => leads > 0);
    return leaders.sort((a, b) => b.leads - a.leads)[0]?.id;
  }

  #crashSoon(id: number): void {
    this.#clock.after(1 + this.#random.int(MAX_FRAIL_LIFE), () => {
      if (!this.#stopped) this.#crash(id);
    });
  }

  #crash(id: number): boolean {
    if (!this.#targets.running().some((member) => member.id === id)) return false;
    this.#targets.crash(id);
    this.#clock.after(1 + this.#random.int(this.#settings.maxDownTime), () =>
      this.#targets.start(id),
    );
    return true;
  }

  #pause(id: number): boolean {
    if (!this.#targets.pause(id, 20 + this.#random.int(this.#settings.maxPause))) return false;
    this.#stats.pauses++;
    return true;
  }

  #cut(
    kind: "isolate" | "isolate-leader" | "split" | "one-way" | "cut-link",
    id: number,
    leader: number | undefined,
  ): boolean {
    const { ids } = this.#targets;
    const random = this.#random;
    switch (kind) {
      case "isolate":
        return this.#partition([id], ids, true);
      case "isolate-leader":
        return leader !== undefined && this.#partition([leader], ids, random.chance(0.7));
      case "split": {
        const some = ids.filter(() => random.chance(0.5));
        const others = ids.filter((each) => !some.includes(each));
        return some.length > 0 && others.length > 0 && this.#partition(some, others, true);
      }
      case "one-way":
        return this.#partition([id], [random.pick(ids), random.pick(ids)], false);
      case "cut-link": {
        const other = random.pick(ids);
        if (other === id) return false;
        this.#stats.linksCut++;
        return this.#partition([id], [other], true);
      }
    }
  }

  #partition(from: readonly number[], to: readonly number[], bothWays: boolean): boolean {
    this.#stats.partitions++;
    this.#network.block(from, to);
    if (bothWays) this.#network.block(to, from);
    else this.#stats.oneWayPartitions++;
    this.#clock.after(50 + this.#random.int(this.#random.chance(0.5) ? 150 : 800), () => {
      this.#clock.note("all links heal", 0);
      this.#network.heal();
    });
    return true;
  }

  #hurtDisk(
    kind: "disk-stall" | "disk-full" | "disk-write-error" | "disk-read-error",
    id: number,
  ): boolean {
    const targets = this.#targets;
    switch (kind) {
      case "disk-stall":
        this.#stats.diskStalls++;
        targets.stallDisk(id, this.#random.int(MAX_STALL));
        return true;
      case "disk-full":
        this.#stats.disksFull++;
        targets.fillDisk(id, this.#random.int(MAX_STALL));
        return true;
      case "disk-write-error":
        targets.breakDisk(id, "write");
        return true;
      case "disk-read-error":
        if (!this.#crash(id)) return false;
        targets.breakDisk(id, "read");
        return true;
    }
  }
}
