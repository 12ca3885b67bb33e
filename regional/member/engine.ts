import { randomInt } from "node:crypto";
import type { AtollError } from "../../shared/errors.js";
import { SUCCESSION_MS, TICKS_PER_CHORE } from "../../shared/limits.js";
import type { Auditor } from "../audit/auditor.js";
import type { MemberStorage } from "../backend/storage.js";
import { PeerTransport } from "../peer/transport.js";
import { NO_NODE, type RawNode, type Status } from "../raft/index.js";
import { type CommandKind, encodeCommand } from "../store/command.js";
import type { Outcome } from "../store/outcome.js";
import { WatchHub } from "../watch/hub.js";
import { Applier } from "./applier.js";
import { type AuditedParts, makeAuditor } from "./audit-wiring.js";
import { Compactor } from "./compactor.js";
import { Connections } from "./connections.js";
import { encodeDescription } from "./description.js";
import type { DiskCare } from "./disk-care.js";
import { type DiskParts, makeDiskCare } from "./disk-wiring.js";
import { RaftDriver } from "./driver.js";
import type { EngineOptions } from "./engine-options.js";
import { IncomingSnapshots } from "./incoming-snapshots.js";
import { LeaseCalls } from "./lease-calls.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { LeasePort } from "./lease-port.js";
import { loadState } from "./load-state.js";
import { MemberChanges } from "./member-changes.js";
import { membersOf } from "./member-list.js";
import { OutgoingSnapshots } from "./outgoing-snapshots.js";
import { dispatchFrame, type FrameParts } from "./peer-frames.js";
import { makeRaftNode } from "./raft-node.js";

const NO_DATA = new Uint8Array(0);

/** The parts of a member, wired: raft and its driver, state, leases, watches, peers, snapshots. */
export class MemberEngine implements FrameParts, AuditedParts, DiskParts {
  readonly self: number;
  readonly storage: MemberStorage;
  readonly transport: PeerTransport;
  readonly driver: RaftDriver;
  readonly applier: Applier;
  readonly hub: WatchHub;
  readonly leases: LeaseKeeper;
  readonly leaseCalls: LeaseCalls;
  readonly outgoing: OutgoingSnapshots;
  readonly incoming: IncomingSnapshots;
  readonly compactor: Compactor;
  readonly auditor: Auditor;
  readonly disks: DiskCare;
  readonly #options: EngineOptions;
  readonly connections: Connections;
  #ticks = 0;
  #fatal = false;

  constructor(options: EngineOptions) {
    const { identity, storage, state, clock, logger } = options;
    const self = identity.self.id;
    this.self = self;
    this.storage = storage;
    this.#options = options;
    this.hub = new WatchHub(state);
    this.hub.onWork = () => this.wake();
    this.leases = new LeaseKeeper({
      state: () => this.applier.state,
      nowMs: () => clock.monotonicMs(),
      propose: (kind, body) => this.propose(kind, body),
      linearizable: () => this.linearizable(),
      log: logger,
    });
    this.leaseCalls = new LeaseCalls(new LeasePort(this), randomInt(2 ** 47));
    this.transport = this.#makeTransport();
    this.connections = new Connections(self, this.transport, () => this.applier.state);
    const { log } = storage;
    log.startFrom(state.applied);
    // A member that fell behind is sent the image that is there, or one of now.
    log.setSnapshotSource(() => {
      const metadata = this.outgoing.position ?? this.applier.written;
      return { data: NO_DATA, metadata };
    });
    const { tuning } = options;
    const raft = makeRaftNode({ self, log, applied: state.applied.index, tuning, logger });
    this.disks = makeDiskCare(this, logger);
    this.auditor = makeAuditor(this, state.applied.index, logger);
    this.applier = new Applier(
      {
        self,
        state,
        hub: this.hub,
        backend: () => storage.backend,
        applyConfChange: (change, index) => raft.applyConfChange(change, index),
        settle: (seq, outcome) => this.driver.proposals.settle(seq, outcome),
        audit: this.auditor,
        onLeases: (changes) => this.leases.applied(changes),
        onMembership: () => this.connect(),
        onUnblocked: () => this.wake(),
        onFatal: (error) => this.fail(error),
      },
      storage.log.durableIndex,
    );
    this.driver = this.#makeDriver(raft);
    const feed: RaftDriver["feed"] = (input) => this.driver.feed(input);
    this.outgoing = new OutgoingSnapshots({
      storage,
      send: (to, snapshot) => this.transport.sendSnapshot(to, snapshot),
      feed,
      nowMs: () => clock.monotonicMs(),
      log: logger,
    });
    this.incoming = new IncomingSnapshots({
      self,
      storage,
      feed,
      commit: () => this.driver.commit,
      term: () => this.driver.term,
      reload: () => this.#reload(),
      log: logger,
    });
    this.compactor = new Compactor(storage, () => this.outgoing.position?.index, logger);
  }

  #makeTransport(): PeerTransport {
    const { identity, advertisePeer, clock, tuning, logger } = this.#options;
    return new PeerTransport({
      clusterId: identity.clusterId,
      memberId: this.self,
      address: advertisePeer,
      leases: tuning.reads === "leaseBased",
      log: logger,
      now: () => clock.monotonicMs(),
      random: Math.random,
      snapshotBytesPerSecond: tuning.snapshotBytesPerSecond,
      events: {
        onMessages: (_from, messages) => this.driver.receive(messages),
        onFrame: (from, type, payload) => dispatchFrame(this, from, type, payload),
        onDropped: (id) => this.driver.feed((raft) => raft.reportUnreachable(id)),
        onLink: (id, up) => this.#onLink(id, up),
        onGone: (id) => this.#onGone(id),
        onRemoved: () => this.#options.onRemoved(),
        standing: (id) => this.connections.standing(id),
        describe: () => this.#describe(),
        onSnapshot: (from, header) => this.incoming.intake(from, header),
      },
    });
  }

  /** What somebody who wants to join must know, as it is now. */
  async #describe(): Promise<Uint8Array> {
    await this.linearizable();
    return encodeDescription(this.#options.identity, membersOf(this.applier.state));
  }

  #makeDriver(raft: RawNode): RaftDriver {
    const { clock, logger } = this.#options;
    const changes = new MemberChanges({
      self: this.self,
      raft,
      transport: this.transport,
      state: () => this.applier.state,
    });
    return new RaftDriver({
      self: this.self,
      raft,
      log: this.storage.log,
      transport: this.transport,
      applier: this.applier,
      clock,
      logger,
      changeMembers: (command) => changes.propose(command),
      nonces: [randomInt(2 ** 32), randomInt(2 ** 32)],
      events: {
        onLeader: (lead, term) => this.#onLeader(lead, term),
        onLeading: (term) => this.leases.promote(term),
        onTurn: () => this.leaseCalls.submit(),
        onSnapshotOut: (message) => this.outgoing.queue(message),
        onInstall: (message) => {
          this.applier.suspend();
          return this.incoming.install(message);
        },
        onFatal: (error) => this.fail(error),
      },
    });
  }

  get lead(): number {
    return this.driver.lead;
  }

  wake(): void {
    this.driver.wake();
  }

  /** Stops everything on its first call; the owner is told why. */
  fail(error: unknown): void {
    if (this.#fatal) return;
    this.#fatal = true;
    this.#options.onFatal(error);
  }

  propose(kind: CommandKind, body: Uint8Array): Promise<Outcome> {
    const { proposals, nowMs } = this.driver;
    return proposals.propose(nowMs, (seq) => encodeCommand(kind, this.self, seq, body));
  }

  linearizable(): Promise<void> {
    return this.driver.reads.join(this.driver.nowMs);
  }

  /** Dials the other members; tells the owner when this one is none any more. */
  connect(): void {
    this.connections.follow();
    if (this.connections.isRemoved) this.#options.onRemoved();
    // A member that has just learnt that it is one has something to say.
    else this.#options.onChore();
  }

  /** One tick of the raft clock, and now and then the chores. */
  tick(): void {
    this.driver.tick();
    this.leaseCalls.tick(this.driver.nowMs);
    this.leases.tick();
    this.auditor.tick(this.driver.nowMs);
    this.disks.tick(this.driver.nowMs);
    if (++this.#ticks % TICKS_PER_CHORE !== 0) return;
    this.compactor.tick();
    this.outgoing.tick();
    this.incoming.tick();
    this.disks.chore();
    this.auditor.chore();
    this.#options.onChore();
  }

  /** A copy of the raft node's state. */
  raftStatus(): Status {
    let status: Status | undefined;
    this.driver.feed((raft) => {
      status = raft.status();
    });
    return status as Status;
  }

  /** Fails everything that waits and gives up log, state and connections. */
  async close(error: AtollError): Promise<void> {
    this.compactor.stop();
    this.leases.demote();
    this.driver.stop(error);
    this.leaseCalls.stop(error);
    await this.transport.close();
    await this.outgoing.idle();
    await this.storage.close();
  }

  // Events.

  #onLeader(lead: number, term: number): void {
    const { logger } = this.#options;
    if (lead !== this.self) {
      this.leases.demote();
      this.outgoing.demote();
    }
    if (lead === this.self) logger.info({ term }, "elected");
    else if (lead === NO_NODE) logger.info({ term }, "no leader");
    else logger.info({ term, leader: lead.toString(16) }, "leader changed");
    this.leaseCalls.leaderChanged();
    // What this member has to say to a leader, such as its attributes.
    this.#options.onChore();
  }

  /** A member's process has ended: if it led, the others needn't wait to find out. */
  #onGone(id: number): void {
    if (this.driver.tellGone(id)) setTimeout(() => this.driver.campaign(), SUCCESSION_MS).unref();
  }

  #onLink(id: number, up: boolean): void {
    if (up) this.auditor.renewed(id);
    if (up && id === this.lead) {
      this.driver.proposals.retry();
      this.wake();
    }
  }

  async #reload(): Promise<void> {
    const state = await loadState(this.storage.backend, this.#options.identity);
    this.applier.replace(state, this.storage.log.durableIndex);
  }
}
