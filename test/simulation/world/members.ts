import type { ConfState, Snapshot } from "../../../regional/raft/index.js";
import type { Random } from "../../../shared/random.js";
import type { RaftChecker } from "./checker.js";
import { SimDisk } from "./disk.js";
import { DiskTroubles } from "./disk-troubles.js";
import type { FaultTargets } from "./faults.js";
import { isDamaged, Machine, START } from "./machine.js";
import { type MemberHost, SimMember } from "./member.js";
import { Process } from "./process.js";
import { MEAN_TICK, type WorldSettings } from "./settings.js";
import type { WorldStats } from "./stats.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/** Most time until a member that could not start, or was ended by its disk, is started again. */
const MAX_RETRY = 150;

/** After a damaged state was replaced, snapshots of it may still be on their way for so long. */
const DAMAGE_LINGERS = 1500;

/** What hears of members' lives. */
export interface LifeObserver {
  started(member: SimMember): void;
  damaged(member: SimMember): void;
  ended(member: SimMember): void;
}

/** All members of a world: their disks, which stay, and their processes, which come and go. */
export class Members implements FaultTargets {
  readonly ids: readonly number[];
  readonly disks: ReadonlyMap<number, SimDisk>;
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: WorldStats;
  readonly #settings: WorldSettings;
  readonly #processes = new Map<number, Process>();
  readonly #troubles: DiskTroubles;
  readonly #periods: number[];
  /** Members whose state can't be trusted and must be replaced before they start. */
  readonly #spoilt = new Set<number>();
  readonly #everDamaged = new Set<number>();
  #lastDamage = Number.NEGATIVE_INFINITY;
  #start: ((id: number) => SimMember) | null = null;
  #observer: LifeObserver | null = null;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: WorldStats,
    settings: WorldSettings,
    firstConf: ConfState,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.#settings = settings;
    this.ids = Array.from({ length: settings.members }, (_, i) => i + 1);
    this.#periods = [...settings.tickPeriods];
    this.#troubles = new DiskTroubles(clock, random, settings.maxSyncTime);
    const data = Machine.first(firstConf).image();
    const start: Snapshot = { data, metadata: { ...START, confState: firstConf } };
    this.disks = new Map(this.ids.map((id) => [id, new SimDisk(start)]));
  }

  /** Starts all members, which live in `host`. */
  startAll(host: MemberHost, checker: RaftChecker, observer: LifeObserver): void {
    const { node, priorities, logMargin } = this.#settings;
    this.#observer = observer;
    this.#start = (id) => {
      const priority = node.checkQuorum === true ? (priorities[id - 1] ?? 0) : 0;
      const settings = { ...node, priority };
      return new SimMember({ id, settings, logMargin, disk: this.#disk(id), host, checker });
    };
    for (const id of this.ids) this.start(id);
  }

  running(): readonly SimMember[] {
    return [...this.#processes.values()].map(({ member }) => member);
  }

  awake(): readonly SimMember[] {
    const awake = [...this.#processes.values()].filter((process) => process.awake);
    return awake.map(({ member }) => member);
  }

  /** The process that a member's life runs in; undefined when that life is over. */
  processOf(member: SimMember): Process | undefined {
    const process = this.#processes.get(member.id);
    return process?.member === member ? process : undefined;
  }

  process(id: number): Process | undefined {
    return this.#processes.get(id);
  }

  tickPeriod(id: number): number {
    return this.#periods[id - 1] as number;
  }

  takesWrites(id: number): boolean {
    return !this.#troubles.isFull(id);
  }

  start(id: number): void {
    if (this.#processes.has(id) || this.#start === null) return;
    if (this.#troubles.takeFailure(id, "read")) {
      this.#stats.diskReadErrors++;
      this.#clock.note("% can't read its log and doesn't start", id);
      this.#startLater(id);
      return;
    }
    if (this.#spoilt.has(id) && !this.#replaceState(id)) {
      this.#startLater(id);
      return;
    }
    this.#clock.note("start %", id);
    const member = this.#start(id);
    this.#processes.set(id, new Process(member));
    this.#observer?.started(member);
    member.drain();
  }

  crash(id: number): void {
    const process = this.#processes.get(id);
    if (process === undefined) return;
    const disk = this.#disk(id);
    const kept = this.#random.int(disk.cached + 1);
    const { lost, torn } = disk.crash(kept, this.#random.chance(0.5));
    this.#stats.crashes++;
    this.#stats.writesLost += lost;
    if (torn) this.#stats.tornRecords++;
    this.#clock.note(
      "crash %, % unsynced writes kept, % lost, torn %",
      id,
      kept,
      lost,
      Number(torn),
    );
    this.#end(process);
  }

  wasDamaged(id: number): boolean {
    return this.#everDamaged.has(id);
  }

  /** A damaged state went on to a member. */
  damageSpread(id: number): void {
    this.#everDamaged.add(id);
  }

  /** A member has found out that its state is not the others' and stops. */
  stopSpoilt(id: number): void {
    const process = this.#processes.get(id);
    if (process === undefined) return;
    this.#disk(id).crash(0, false);
    this.#stats.membersDiverged++;
    this.#spoilt.add(id);
    this.#clock.note("% has diverged and stops", id);
    this.#end(process);
    this.#startLater(id);
  }

  pause(id: number, time: number): boolean {
    const process = this.#processes.get(id);
    if (process === undefined || !process.awake) return false;
    process.pause();
    this.#clock.after(time, () => this.#resume(process));
    return true;
  }

  stallDisk(id: number, time: number): void {
    this.#troubles.stall(id, time);
  }

  fillDisk(id: number, time: number): void {
    this.#troubles.fill(id, time);
  }

  breakDisk(id: number, kind: "write" | "read"): void {
    this.#troubles.break(id, kind);
  }

  setTickPeriod(id: number, period: number): void {
    this.#periods[id - 1] = period;
  }

  jump(id: number, ticks: number): boolean {
    const process = this.#processes.get(id);
    if (process === undefined) return false;
    for (let i = 0; i < ticks; i++) process.tick();
    return true;
  }

  /** Not to a leader, nor while another state is damaged: then most states could be. */
  flipBit(id: number): boolean {
    const process = this.#processes.get(id);
    if (process === undefined || process.member.leads > 0 || this.#isDamageAround()) return false;
    const key = this.#random.int(this.#settings.clients.keys);
    if (!process.member.machine.flipBit(key, this.#random)) return false;
    this.#stats.bitFlips++;
    this.#everDamaged.add(id);
    this.#observer?.damaged(process.member);
    return true;
  }

  /** Time that a disk takes for a sync that begins now. */
  syncTime(id: number): number {
    return this.#troubles.syncTime(id);
  }

  /** The sync is over: true if it went well; otherwise the member stops. */
  synced(id: number): boolean {
    if (!this.#troubles.takeFailure(id, "write")) return true;
    this.#stats.diskWriteErrors++;
    this.#clock.note("% can't write its log and stops", id);
    this.crash(id);
    this.#startLater(id);
    return false;
  }

  /** Ends all that is wrong with disks, clocks and processes. */
  heal(): void {
    this.#periods.fill(MEAN_TICK);
    this.#troubles.heal();
    for (const process of [...this.#processes.values()]) this.#resume(process);
    for (const id of this.ids) this.start(id);
  }

  #isDamageAround(): boolean {
    if (this.#spoilt.size > 0 || this.#clock.now < this.#lastDamage + DAMAGE_LINGERS) return true;
    if ([...this.disks.values()].some(({ checkpoint }) => isDamaged(checkpoint.data))) return true;
    return this.running().some(({ machine }) => machine.damaged);
  }

  #resume(process: Process): void {
    if (process.awake || this.#processes.get(process.member.id) !== process) return;
    this.#clock.note("% goes on", process.member.id);
    process.resume(this.#random.chance(0.5));
  }

  #end(process: Process): void {
    this.#processes.delete(process.member.id);
    process.end();
    this.#observer?.ended(process.member);
  }

  #startLater(id: number): void {
    this.#clock.after(1 + this.#random.int(MAX_RETRY), () => this.start(id));
  }

  /** Takes the latest state of a member that is sound; false if none reaches the log. */
  #replaceState(id: number): boolean {
    const sound = this.running()
      .filter(({ machine }) => !machine.damaged)
      .map((member) => this.#disk(member.id).checkpoint)
      .sort((a, b) => b.metadata.index - a.metadata.index)[0];
    if (sound === undefined || !this.#disk(id).replaceState(sound)) return false;
    this.#clock.note("% gets a sound state at %", id, sound.metadata.index);
    this.#spoilt.delete(id);
    this.#lastDamage = this.#clock.now;
    return true;
  }

  #disk(id: number): SimDisk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new Violation("the world", `there is no member ${id}`);
    return disk;
  }
}
