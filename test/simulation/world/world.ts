import {
  type ConfState,
  type Entry,
  type Message,
  MessageType,
  type ReadState,
  type TraceEvent,
} from "../../../regional/raft/index.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import { type Random, seededRandom } from "../../../shared/random.js";
import { Audits } from "./audits.js";
import { RaftChecker } from "./checker.js";
import { type ClientTargets, SimClients } from "./clients.js";
import { countChange } from "./conf-stats.js";
import { Divergence } from "./divergence.js";
import { drawSettings } from "./draw.js";
import { EndNews } from "./end-news.js";
import { FaultInjector } from "./faults.js";
import { History } from "./history.js";
import type { MemberHost, SimMember } from "./member.js";
import { Members } from "./members.js";
import { GOOD_NETWORK, type NetworkEnds, SimNetwork } from "./network.js";
import { Operator, type OperatorTargets } from "./operator.js";
import { QuorumWatch } from "./quorum-watch.js";
import { Recovery } from "./recovery.js";
import { Reference } from "./reference.js";
import { DURATION_BOUND, LEAST_OPERATIONS, type WorldSettings } from "./settings.js";
import { noStats } from "./stats.js";
import { Violation } from "./violation.js";
import { type TraceSink, WorldClock } from "./world-clock.js";

/** Chance that a member, at a checkpoint, asks for history to be compacted. */
const COMPACTION = 0.3;
const KEPT_REVISIONS = 20;

/** A group of members on simulated disks and network, all of it derived from one seed. */
export class World implements MemberHost, NetworkEnds, ClientTargets, OperatorTargets {
  readonly stats = noStats();
  readonly settings: WorldSettings;
  readonly #random: Random;
  readonly #clock: WorldClock;
  readonly #members: Members;
  readonly #checker: RaftChecker;
  readonly #reference: Reference;
  readonly #divergence: Divergence;
  readonly #quorumWatch: QuorumWatch | null;
  readonly #network: SimNetwork;
  readonly #audits: Audits | null;
  readonly #endNews: EndNews | null;
  readonly #history = new History();
  readonly #clients: SimClients;
  readonly #faults: FaultInjector;
  readonly #operator: Operator;
  #conf: ConfState;

  constructor(seed: number, trace: TraceSink | undefined) {
    const random = seededRandom(seed);
    const clock = new WorldClock(trace);
    const settings = drawSettings(random);
    const { stats } = this;
    this.#random = random;
    this.#clock = clock;
    this.settings = settings;
    const voters = Array.from({ length: settings.firstVoters }, (_, i) => i + 1);
    const none = { learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    this.#conf = { voters, ...none };
    this.#members = new Members(clock, random, stats, settings, this.#conf);
    this.#checker = new RaftChecker(this.#members.disks);
    this.#reference = new Reference(this.#conf);
    this.#divergence = new Divergence(clock, this.#reference);
    const { node, network, clients } = settings;
    this.#quorumWatch = node.checkQuorum === true ? new QuorumWatch(node.electionTicks) : null;
    this.#network = new SimNetwork(clock, random, stats, network, this);
    this.#audits = settings.audits ? new Audits(clock, this.#network, this.#members) : null;
    this.#endNews = settings.newsOfEnds
      ? new EndNews(clock, random, this.#network, this.#members)
      : null;
    this.#clients = new SimClients(clock, random, stats, this.#history, this, clients);
    this.#faults = new FaultInjector(clock, random, stats, this.#network, this.#members, settings);
    this.#operator = new Operator(clock, random, stats, this, settings);
  }

  /** Hash of everything that has happened, in order. */
  get traceHash(): number {
    return this.#clock.hash;
  }

  get ids(): readonly number[] {
    return this.#members.ids;
  }

  /** Runs the faults, then the recovery; returns how long that took. Throws a Violation. */
  run(): number {
    this.#clock.note(`a world of % members, % vote: ${this.settings.profile}`, ...this.#size());
    this.#members.startAll(this, this.#checker, this);
    for (const id of this.ids) {
      this.#scheduleTick(id);
      this.#scheduleCheckpoint(id);
    }
    this.#clients.start();
    this.#faults.start();
    this.#operator.start();
    while (!this.#isComplete()) this.#clock.step();
    return this.#recover();
  }

  /** Throws a Violation if what clients were told can't be. */
  checkHistory(): void {
    this.#clients.giveUpAll();
    this.#history.check();
  }

  running(): readonly SimMember[] {
    return this.#members.running();
  }

  awake(): readonly SimMember[] {
    return this.#members.awake();
  }

  reach(member: SimMember, request: () => void): void {
    this.#members.processOf(member)?.request(request);
  }

  takesWrites(member: SimMember): boolean {
    return this.#members.takesWrites(member.id);
  }

  trusts(member: SimMember): boolean {
    return !member.machine.damaged;
  }

  transferAsked(): void {
    for (const member of this.running()) this.#quorumWatch?.restart(member);
  }

  started(member: SimMember): void {
    this.#audits?.started(member);
  }

  damaged(member: SimMember): void {
    this.#divergence.damaged(member);
  }

  ended(member: SimMember): void {
    this.#clients.disconnected(member);
    this.#divergence.ended(member);
    this.#endNews?.ended(member.id);
  }

  send(message: Message): void {
    this.#network.send(message);
  }

  deliver(message: Message): void {
    const process = this.#members.process(message.to);
    process?.work(() => {
      this.#quorumWatch?.delivered(process.member, message);
      process.member.receive(message);
    });
  }

  report(message: Message, arrived: boolean): void {
    const process = this.#members.process(message.from);
    process?.work(() => {
      const { node } = process.member;
      if (message.type === MessageType.snap) node.reportSnapshot(message.to, arrived);
      else if (!arrived) node.reportUnreachable(message.to);
      process.member.drain();
    });
  }

  deliverAudit(from: number, to: number, frame: Buffer): void {
    const process = this.#members.process(to);
    process?.work(() => this.#audits?.delivered(process.member, from, frame));
  }

  startSync(member: SimMember): void {
    this.#clock.after(this.#members.syncTime(member.id), () => {
      this.#members.processOf(member)?.work(() => {
        if (!this.#members.synced(member.id)) return;
        this.#clock.note("% synced, log ends at %", member.id, member.lastIndex);
        member.diskDone();
      });
    });
  }

  startApply(member: SimMember): void {
    this.#clock.after(this.#random.int(this.settings.maxApplyTime + 1), () => {
      this.#members.processOf(member)?.work(() => member.applyDone());
    });
  }

  applied(member: SimMember, entry: Entry, outcome: Outcome | null): void {
    this.#clock.note("% applies %/%", member.id, entry.term, entry.index);
    const { conf } = member.machine;
    if (this.#reference.applied(entry, conf) && outcome === null) {
      countChange(this.stats, this.#conf, conf);
      this.#conf = conf;
    }
    if (outcome === null) this.#quorumWatch?.restart(member);
    this.#audits?.applied(member, entry.index);
    this.#clients.applied(member, entry, outcome);
  }

  advanced(member: SimMember): void {
    this.#divergence.check(member);
    this.#clients.advanced(member);
    if (member.machine.damaged) this.#stopSpread(member);
  }

  readConfirmed(member: SimMember, read: ReadState): void {
    this.#clients.readConfirmed(member, read);
  }

  traced(member: SimMember, event: TraceEvent): void {
    const { stats } = this;
    if (event.kind === "role" && member.leads > 0) {
      stats.elections++;
      if (member.tookOver) stats.leaderTransfers++;
      this.#clock.note("% leads term %", member.id, event.term);
      this.#quorumWatch?.restart(member);
      this.#faults.elected(member);
    } else if (event.kind === "truncate") {
      stats.entriesTruncated += event.last - event.from + 1;
      this.#clock.note("% drops entries % to %", member.id, event.from, event.last);
    } else if (event.kind === "snapshot-sent") stats.snapshotsSent++;
    else if (event.kind === "snapshot-restored") stats.snapshotsInstalled++;
    else if (event.kind === "quorum-lost") stats.quorumsLost++;
    else if (event.kind === "stale-append-ack") stats.staleAcks++;
  }

  #size(): [number, number] {
    return [this.settings.members, this.settings.firstVoters];
  }

  #isComplete(): boolean {
    const { now } = this.#clock;
    if (now < this.settings.duration) return false;
    if (this.#faults.enough && this.stats.operations >= LEAST_OPERATIONS) return true;
    if (now < DURATION_BOUND) return false;
    throw new Violation("a busy world", `after ${now} there were too few operations or faults`);
  }

  /** A damaged state went on to another member: before it is on most, an operator steps in. */
  #stopSpread(member: SimMember): void {
    this.#members.damageSpread(member.id);
    const others = this.running().filter((other) => other !== member && other.machine.damaged);
    if (others.length === 0) return;
    for (const { id } of [member, ...others]) {
      this.#clock.after(0, () => this.#members.stopSpoilt(id));
    }
  }

  #scheduleTick(id: number): void {
    this.#clock.after(this.#members.tickPeriod(id), () => {
      const process = this.#members.process(id);
      process?.tick();
      if (process?.awake === true) {
        this.#quorumWatch?.ticked(process.member);
        this.#audits?.ticked(process.member);
      }
      this.#scheduleTick(id);
    });
  }

  #scheduleCheckpoint(id: number): void {
    this.#clock.after(20 + this.#random.int(this.settings.checkpointPeriod), () => {
      const process = this.#members.process(id);
      if (process?.awake === true) {
        if (process.member.checkpoint()) this.stats.compactions++;
        if (this.#random.chance(COMPACTION)) this.#compactHistory(process.member);
      }
      this.#scheduleCheckpoint(id);
    });
  }

  #compactHistory(member: SimMember): void {
    const command = member.machine.compaction(member.id, KEPT_REVISIONS);
    if (command === null) return;
    member.node.propose([command]);
    member.drain();
  }

  /** Ends all trouble and waits until every member has caught up; returns how long it took. */
  #recover(): number {
    this.#clock.note("all trouble ends", 0);
    this.#faults.stop();
    this.#operator.stop();
    this.#network.heal();
    this.#network.settings = GOOD_NETWORK;
    this.#members.heal();
    const recovery = new Recovery(this.#clock, this.#clients, this.stats, this, {
      divergence: this.#divergence,
      reference: this.#reference,
    });
    return recovery.run();
  }
}
