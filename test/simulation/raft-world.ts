import {
  type Entry,
  type Message,
  MessageType,
  RaftState,
  type ReadState,
  type Snapshot,
  type TraceEvent,
} from "../../regional/raft/index.js";
import { type Random, seededRandom } from "../../shared/random.js";
import { type PlantedBug, withCoreBug } from "./planted-bugs.js";
import { RaftChecker } from "./raft-checker.js";
import { SimClients } from "./raft-clients.js";
import { SimDisk } from "./raft-disk.js";
import { FaultInjector } from "./raft-faults.js";
import { type MemberHost, SimMember } from "./raft-member.js";
import { SimNetwork } from "./raft-network.js";
import { Recovery } from "./raft-recovery.js";
import { drawSettings, GOOD_NETWORK, type RaftWorldSettings } from "./raft-settings.js";
import { noStats, type RaftStats } from "./raft-stats.js";
import { Violation } from "./violation.js";
import { type TraceSink, WorldClock } from "./world-clock.js";

const START_INDEX = 1;

/** How one world is run. */
export interface RaftWorldOptions {
  readonly bug?: PlantedBug;
  readonly trace?: TraceSink;
}

/** What came of one world. */
export interface RaftWorldResult {
  readonly seed: number;
  readonly stats: RaftStats;
  /** Hash of everything that happened, in order. */
  readonly traceHash: number;
  /** Virtual time that recovery took, once faults had ended. */
  readonly recoveryTime: number;
  /** The property that did not hold; null if all did. */
  readonly violation: Violation | null;
}

/** A group of members on simulated disks and network, all of it derived from one seed. */
class RaftWorld implements MemberHost {
  readonly ids: number[] = [];
  readonly stats = noStats();
  readonly #random: Random;
  readonly #clock: WorldClock;
  readonly #settings: RaftWorldSettings;
  readonly #bug: PlantedBug | null;
  readonly #disks = new Map<number, SimDisk>();
  readonly #members = new Map<number, SimMember>();
  readonly #stalledUntil = new Map<number, number>();
  readonly #checker: RaftChecker;
  readonly #network: SimNetwork;
  readonly #clients: SimClients;
  readonly #faults: FaultInjector;

  constructor(seed: number, options: RaftWorldOptions) {
    this.#random = seededRandom(seed);
    this.#clock = new WorldClock(options.trace);
    this.#bug = options.bug ?? null;
    this.#settings = drawSettings(this.#random);
    const voters = this.#settings.tickPeriods.map((_, i) => i + 1);
    this.ids.push(...voters);
    const start: Snapshot = {
      data: new Uint8Array(4),
      metadata: {
        index: START_INDEX,
        term: 1,
        confState: {
          voters,
          learners: [],
          votersOutgoing: [],
          learnersNext: [],
          autoLeave: false,
        },
      },
    };
    for (const id of voters) this.#disks.set(id, new SimDisk(start));
    this.#checker = new RaftChecker(start, this.#disks);
    const { network } = this.#settings;
    this.#network = new SimNetwork(this.#clock, this.#random, this.stats, network, this);
    this.#clients = new SimClients(this.#clock, this.#random, this.stats, this.#checker, this);
    this.#faults = new FaultInjector(
      this.#clock,
      this.#random,
      this.stats,
      this.#network,
      this,
      this.#settings,
    );
  }

  get traceHash(): number {
    return this.#clock.hash;
  }

  /** Runs the faults, then the recovery; returns how long that took. Throws a Violation. */
  run(): number {
    for (const id of this.ids) {
      this.start(id);
      this.#scheduleTick(id);
      this.#scheduleCheckpoint(id);
    }
    for (let i = 0; i < this.#settings.clients; i++) this.#clients.start(this.#settings.think);
    this.#faults.start();
    while (this.#clock.now < this.#settings.duration) this.#clock.step();
    const recovery = this.#recover();
    this.#clients.checkAcknowledged();
    return recovery;
  }

  running(): readonly SimMember[] {
    return [...this.#members.values()];
  }

  isRunning(id: number): boolean {
    return this.#members.has(id);
  }

  start(id: number): void {
    this.#clock.note("start %", id);
    const { node } = this.#settings;
    const member = new SimMember(id, node, this.#disk(id), this, this.#checker, this.#bug);
    this.#members.set(id, member);
    member.drain();
  }

  crash(member: SimMember): void {
    const disk = this.#disk(member.id);
    const kept = this.#random.int(disk.cached + 1);
    const lost = disk.crash(kept);
    this.stats.crashes++;
    this.stats.writesLost += lost;
    this.#clock.note("crash %, % cached writes kept, % lost", member.id, kept, lost);
    this.#members.delete(member.id);
  }

  stallDisk(id: number, until: number): void {
    this.#stalledUntil.set(id, until);
  }

  send(message: Message): void {
    this.#network.send(message);
  }

  deliver(message: Message): void {
    const member = this.#members.get(message.to);
    if (member === undefined) return;
    member.node.step(message);
    member.drain();
  }

  report(message: Message, arrived: boolean): void {
    const member = this.#members.get(message.from);
    if (member === undefined) return;
    if (message.type === MessageType.snap) member.node.reportSnapshot(message.to, arrived);
    else if (!arrived) member.node.reportUnreachable(message.to);
    member.drain();
  }

  startSync(member: SimMember): void {
    const stall = Math.max(0, (this.#stalledUntil.get(member.id) ?? 0) - this.#clock.now);
    this.#clock.after(stall + 1 + this.#random.int(this.#settings.maxSyncTime), () => {
      if (this.#members.get(member.id) !== member) return;
      this.#clock.note("% synced, log ends at %", member.id, member.lastIndex);
      member.diskDone();
    });
  }

  startApply(member: SimMember): void {
    this.#clock.after(this.#random.int(this.#settings.maxApplyTime + 1), () => {
      if (this.#members.get(member.id) !== member) return;
      member.applyDone();
    });
  }

  applied(member: SimMember, entry: Entry): void {
    this.#clock.note(
      "% applies %/%, state %",
      member.id,
      entry.term,
      entry.index,
      member.state.chain,
    );
    if (entry.type !== 0) this.stats.confChanges++;
    this.#clients.applied(member, entry);
  }

  readConfirmed(member: SimMember, read: ReadState): void {
    this.#clients.readConfirmed(member, read);
  }

  traced(member: SimMember, event: TraceEvent): void {
    if (event.kind === "role" && event.state === RaftState.leader) {
      this.stats.elections++;
      this.#clock.note("% leads term %", member.id, event.term);
      this.#faults.elected(member);
    } else if (event.kind === "truncate") {
      this.stats.truncations++;
      this.#clock.note("% drops entries % to %", member.id, event.from, event.last);
    } else if (event.kind === "snapshot-sent") this.stats.snapshotsSent++;
    else if (event.kind === "snapshot-restored") this.stats.snapshotsInstalled++;
    else if (event.kind === "quorum-lost") this.stats.quorumsLost++;
    else if (event.kind === "stale-append-ack") this.stats.staleAcks++;
  }

  #disk(id: number): SimDisk {
    const disk = this.#disks.get(id);
    if (disk === undefined) throw new Error(`there is no member ${id}`);
    return disk;
  }

  #scheduleTick(id: number): void {
    this.#clock.after(this.#settings.tickPeriods[id - 1] as number, () => {
      const member = this.#members.get(id);
      if (member !== undefined) {
        member.node.tick();
        member.drain();
      }
      this.#scheduleTick(id);
    });
  }

  #scheduleCheckpoint(id: number): void {
    this.#clock.after(100 + this.#random.int(500), () => {
      if (this.#members.get(id)?.checkpoint() === true) this.stats.compactions++;
      this.#scheduleCheckpoint(id);
    });
  }

  /** Ends all trouble and waits until every member has caught up; returns how long it took. */
  #recover(): number {
    this.#clock.note("all trouble ends", 0);
    this.#faults.stop();
    this.#network.heal();
    this.#network.settings = GOOD_NETWORK;
    this.#stalledUntil.clear();
    for (const id of this.ids) if (!this.isRunning(id)) this.start(id);
    return new Recovery(this.#clock, this.#clients, this.stats, this).run();
  }
}

/** Runs one world to its end. */
export function runRaftWorld(seed: number, options: RaftWorldOptions = {}): RaftWorldResult {
  const world = new RaftWorld(seed, options);
  let violation: Violation | null = null;
  let recoveryTime = 0;
  try {
    recoveryTime = withCoreBug(options.bug ?? null, () => world.run());
  } catch (error) {
    violation =
      error instanceof Violation
        ? error
        : new Violation(
            "no crash of the core",
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          );
  }
  return { seed, stats: world.stats, traceHash: world.traceHash, recoveryTime, violation };
}
