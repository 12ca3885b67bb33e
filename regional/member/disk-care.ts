import type { Logger } from "../../shared/log.js";
import type { Backend } from "../backend/backend.js";
import type { DurableLog } from "../log/durable-log.js";
import { type DiskReport, diskFrame } from "../peer/disk-wire.js";
import type { Status } from "../raft/index.js";
import { DiskSpace } from "./disk-space.js";
import { DiskReports, healthierLeader, lacksRoom, SICK_AFTER_MS } from "./disk-watch.js";
import { SpareRoom } from "./spare-room.js";

/** What is looked at of a member's storage. */
export interface WatchedStorage {
  /** The data directory. */
  readonly path: string;
  readonly log: Pick<DurableLog, "durableIndex" | "full" | "oldestPendingMs">;
  readonly backend: Pick<Backend, "full" | "size">;
}

/** What the care for disks needs of its member. */
export interface DiskHost {
  readonly self: number;
  readonly storage: WatchedStorage;
  readonly leads: () => boolean;
  readonly voters: () => readonly number[];
  readonly raftStatus: () => Status;
  readonly transferTo: (member: number) => void;
  /** Queues a frame for all other members. */
  readonly broadcast: (frame: Buffer) => void;
  readonly log: Logger;
  /** Where room is looked at; by default the data directory's file system. */
  readonly space?: DiskSpace;
}

/** How much a new transaction counts in the latency that is reported. */
const LATENCY_WEIGHT = 0.2;
/** Between two lines of the log on a disk that stays stuck. */
const REPEAT_MS = 5_000;

/**
 * Watches the member's disk, tells the others about it, and acts: a leader whose appends get
 * stuck hands over to a member whose disk is well; a region in which a majority has no room
 * refuses what makes its data grow, until there is room again.
 */
export class DiskCare {
  readonly reports = new DiskReports();
  readonly space: DiskSpace;
  readonly #spare: SpareRoom;
  readonly #host: DiskHost;
  #nowMs = 0;
  #syncMs = 0;
  #saidMs = Number.NEGATIVE_INFINITY;
  #told: DiskReport = { low: false, oldestPendingMs: 0, syncMs: 0 };
  #full = false;
  /** Whether what makes the data grow is to be refused; as of the last tick. */
  regionLacksRoom = false;
  /** Times that this member handed leadership over for its disk. */
  handovers = 0;

  constructor(host: DiskHost) {
    this.#host = host;
    this.space = host.space ?? new DiskSpace(host.storage.path);
    this.#spare = new SpareRoom(host.storage.path);
  }

  /** A transaction of the log took so many seconds. */
  synced(seconds: number): void {
    this.#syncMs += LATENCY_WEIGHT * (seconds * 1000 - this.#syncMs);
  }

  /** This member's disk at this moment. */
  get own(): DiskReport {
    const { log } = this.#host.storage;
    const low = this.space.low || this.#isFull;
    return { low, oldestPendingMs: log.oldestPendingMs(), syncMs: this.#syncMs };
  }

  get #isFull(): boolean {
    const { log, backend } = this.#host.storage;
    return log.full !== undefined || backend.full !== undefined;
  }

  /** Whether a member, this one too, has too little room. */
  isLow(member: number): boolean {
    if (member === this.#host.self) return this.own.low;
    return this.reports.get(member, this.#nowMs)?.low ?? false;
  }

  /** What those members have said of their disks lately. */
  peerReports(members: readonly number[]): Map<number, DiskReport> {
    const reports = new Map<number, DiskReport>();
    for (const member of members) {
      const report = this.reports.get(member, this.#nowMs);
      if (report !== undefined) reports.set(member, report);
    }
    return reports;
  }

  receive(from: number, report: DiskReport): void {
    this.reports.put(from, report, this.#nowMs);
  }

  /** With each tick of the raft clock. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    const { total, inUse } = this.#host.storage.backend.size;
    this.space.look(total - inUse);
    this.#sayFull();
    this.#keepSpare();
    this.#weigh();
    const { low, oldestPendingMs } = this.own;
    // What others act on is told at once, the rest with the chores.
    const sick = oldestPendingMs > SICK_AFTER_MS / 2;
    const wasSick = this.#told.oldestPendingMs > SICK_AFTER_MS / 2;
    if (low !== this.#told.low || sick !== wasSick) this.#tell();
    if (oldestPendingMs > SICK_AFTER_MS) this.#handOver();
  }

  /** About once a second. */
  chore(): void {
    this.#tell();
  }

  #tell(): void {
    this.#told = this.own;
    this.#host.broadcast(diskFrame(this.#told));
  }

  #sayFull(): void {
    const { storage, log } = this.#host;
    if (this.#isFull === this.#full) return;
    this.#full = this.#isFull;
    const error = storage.log.full ?? storage.backend.full;
    if (error === undefined) log.info("the disk has room again; what waited is written");
    else log.error({ err: error }, "the disk is full; what is to be written waits for room");
    if (error !== undefined && this.#spare.held) {
      this.#spare.release();
      log.warn("spare room was given up for votes and deletions");
    }
  }

  #keepSpare(): void {
    const { low, total } = this.space;
    const plenty = total !== undefined && !low && !this.#isFull;
    if (plenty && !this.#spare.held) void this.#spare.make(total);
  }

  #weigh(): void {
    const { voters, log } = this.#host;
    const lacks = lacksRoom(voters(), (member) => this.isLow(member));
    if (lacks === this.regionLacksRoom) return;
    this.regionLacksRoom = lacks;
    if (lacks) log.error("disks have too little room; writes that need more are refused");
    else log.info("disks have room again; all writes are taken");
  }

  #handOver(): void {
    const { storage, leads, raftStatus, transferTo, log } = this.#host;
    const { oldestPendingMs } = this.own;
    const { durableIndex } = storage.log;
    const to = leads()
      ? healthierLeader(raftStatus(), { oldestPendingMs, durableIndex }, (member) =>
          this.reports.healthy(member, this.#nowMs),
        )
      : undefined;
    if (this.#nowMs - this.#saidMs >= REPEAT_MS) {
      this.#saidMs = this.#nowMs;
      const leader = to?.toString(16);
      if (leader !== undefined) {
        this.handovers++;
        log.warn({ oldestPendingMs, leader }, "the log's disk is stuck; handing over");
      } else {
        log.warn({ oldestPendingMs }, "the log's disk is stuck");
      }
    }
    if (to !== undefined) transferTo(to);
  }
}
