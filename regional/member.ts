import { formatHostPort, type HostPort } from "../shared/address.js";
import { type Clock, systemClock } from "../shared/clock.js";
import { MAX_REQUEST_BYTES, PROGRESS_NOTIFY_INTERVAL_MS, TICK_MS } from "../shared/limits.js";
import type { Logger } from "../shared/log.js";
import { openStorage } from "./backend/storage.js";
import { alarmsOf } from "./member/alarms.js";
import { MemberEngine } from "./member/engine.js";
import { handOver, moveLeader } from "./member/handover.js";
import { type ClusterIdentity, originConfState } from "./member/identity.js";
import { loadState } from "./member/load-state.js";
import { removedError, writeMemberFile } from "./member/member-file.js";
import { membersOf } from "./member/member-list.js";
import type { MemberMetrics } from "./member/metrics.js";
import { Publisher } from "./member/publisher.js";
import { type MemberStats, statsOf } from "./member/stats.js";
import { DEFAULT_TUNING, type MemberTuning } from "./member/tuning.js";
import type { LeaseStatus, MemberInfo, NodeAlarm, NodeStatus, RegionalNode } from "./node.js";
import { LeaseOp } from "./peer/lease-wire.js";
import { NO_NODE } from "./raft/index.js";
import { CommandKind } from "./store/command.js";
import { ETCD_ERRORS, etcdError } from "./store/etcd-errors.js";
import type { Outcome } from "./store/outcome.js";
import { memberIds, type RegionState } from "./store/state.js";
import type { WatchHub } from "./watch/hub.js";

/** How a member is run. */
export interface MemberOptions {
  readonly identity: ClusterIdentity;
  readonly dataDir: string;
  /** Where to listen for the other members. */
  readonly peer: HostPort;
  /** Where they reach this one, if that is known: it tells those whom it calls. */
  readonly advertisePeer?: HostPort | undefined;
  /** Where clients reach this member; published to the group. */
  readonly client: HostPort;
  readonly logger: Logger;
  readonly metrics: MemberMetrics;
  /** This member was removed from the group: it is to be stopped, for ever. Called once at most. */
  readonly onRemoved: () => void;
  /** The member can't go on: it must be stopped. Called once at most. */
  readonly onFatal: (error: unknown) => void;
  readonly clock?: Clock;
  readonly tuning?: Partial<MemberTuning>;
}

/** One member of a region's group: what the API serves from. */
export class Member implements RegionalNode {
  readonly clusterId: bigint;
  readonly memberId: number;
  readonly name: string;
  readonly #engine: MemberEngine;
  readonly #options: MemberOptions;
  readonly #stopping = new AbortController();
  #removed = false;
  #timers: NodeJS.Timeout[] = [];
  #stop: Promise<void> | undefined;

  private constructor(
    options: MemberOptions,
    engine: (on: { chore: () => void; removed: () => void }) => MemberEngine,
  ) {
    const { identity, client } = options;
    this.#options = options;
    this.clusterId = BigInt(identity.clusterId);
    this.memberId = identity.self.id;
    this.name = identity.self.name;
    const { id, name } = identity.self;
    const publisher = new Publisher({
      own: { id, name, peerUrls: [], clientUrls: [`http://${formatHostPort(client)}`] },
      known: () => this.state.member(id),
      propose: (kind, body) => this.propose(kind, body),
      isPossible: () => this.hasLeader && !this.#stopping.signal.aborted,
      log: options.logger,
    });
    this.#engine = engine({ chore: () => publisher.check(), removed: () => this.#leave() });
  }

  /**
   * Opens the data directory and everything on it, and begins to take part in the group.
   * Resolves when what was committed before is applied again. Rejects with an AtollError
   * that names the file or address which is wrong; nothing is left open then.
   */
  static async start(options: MemberOptions): Promise<Member> {
    const { identity, dataDir, logger, metrics } = options;
    let engine: MemberEngine | undefined;
    let failure: unknown;
    const onFailure = (error: unknown): void => {
      failure = error;
      engine?.fail(error);
    };
    const storage = await openStorage({
      path: dataDir,
      identity: { clusterId: BigInt(identity.clusterId), memberId: identity.self.id },
      initial: originConfState(identity),
      logHooks: {
        onFailure,
        onSync: (seconds, entries) => {
          metrics.logSynced(seconds, entries);
          engine?.disks.synced(seconds);
        },
      },
      backendHooks: {
        onFailure,
        onWrite: (seconds) => metrics.stateWritten(seconds),
        onCheckpoint: (_index, seconds) => metrics.checkpointed(seconds),
      },
    });
    try {
      const state = await loadState(storage.backend, identity);
      if (state.isRemoved(identity.self.id)) throw removedError(identity);
      writeMemberFile(dataDir, identity);
      const member = new Member(options, (on) => {
        const { onFatal, clock = systemClock } = options;
        engine = new MemberEngine({
          identity,
          advertisePeer: options.advertisePeer,
          storage,
          state,
          clock,
          tuning: { ...DEFAULT_TUNING, ...options.tuning },
          logger,
          onFatal,
          onChore: on.chore,
          onRemoved: on.removed,
        });
        return engine;
      });
      if (failure !== undefined) throw failure;
      await member.#begin();
      return member;
    } catch (error) {
      if (engine === undefined) await storage.close();
      else await engine.close(etcdError(ETCD_ERRORS.stopped));
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const engine = this.#engine;
    const { driver, applier } = engine;
    await engine.outgoing.start();
    await engine.transport.listen(this.#options.peer);
    engine.connect();
    this.#timers = [
      setInterval(() => engine.tick(), TICK_MS),
      setInterval(() => engine.hub.notifyProgress(), PROGRESS_NOTIFY_INTERVAL_MS),
    ];
    const committed = driver.commit;
    engine.wake();
    while (applier.applied < committed && !this.#stopping.signal.aborted) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Alone, there is nobody to wait for.
    if (memberIds(this.state.applied.confState).size === 1) {
      driver.feed((raft) => raft.campaign());
    }
  }

  get state(): RegionState {
    return this.#engine.applier.state;
  }

  get watches(): WatchHub {
    return this.#engine.hub;
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get raftTerm(): number {
    return this.#engine.driver.term;
  }

  get hasLeader(): boolean {
    return this.#engine.driver.lead !== NO_NODE;
  }

  get isLearner(): boolean {
    return this.#engine.connections.isLearner;
  }

  get lacksRoom(): boolean {
    return this.#engine.disks.regionLacksRoom;
  }

  alarms(): readonly NodeAlarm[] {
    return alarmsOf(this.#engine);
  }

  propose(kind: CommandKind, body: Uint8Array): Promise<Outcome> {
    if (body.length > MAX_REQUEST_BYTES) {
      return Promise.reject(etcdError(ETCD_ERRORS.requestTooLarge));
    }
    return this.#engine.propose(kind, body);
  }

  linearizable(): Promise<void> {
    return this.#engine.linearizable();
  }

  async leaseKeepAlive(id: bigint): Promise<number> {
    const { leaseCalls, driver } = this.#engine;
    const { ttl } = await leaseCalls.call(LeaseOp.keepAlive, id, driver.nowMs);
    return ttl;
  }

  async leaseTimeToLive(id: bigint): Promise<LeaseStatus> {
    const { leaseCalls, driver } = this.#engine;
    const status = await leaseCalls.call(LeaseOp.timeToLive, id, driver.nowMs);
    await this.linearizable();
    return status;
  }

  status(): NodeStatus {
    const { driver, applier, storage } = this.#engine;
    const { total, inUse } = storage.backend.size;
    return {
      leader: driver.lead,
      raftTerm: driver.term,
      raftIndex: driver.commit,
      raftAppliedIndex: applier.applied,
      dbSize: total,
      dbSizeInUse: inUse,
      errors: this.hasLeader ? [] : [ETCD_ERRORS.noLeader.message],
    };
  }

  members(): readonly MemberInfo[] {
    return membersOf(this.state);
  }

  moveLeader(id: number): Promise<void> {
    return moveLeader(this.#engine, id);
  }

  stats(): MemberStats {
    return statsOf(this.#engine);
  }

  /**
   * Hands leadership over where there is somebody to take it, fails what still waits,
   * writes everything down and closes it. Safe to call again.
   */
  stop(): Promise<void> {
    this.#stop ??= this.#shutDown();
    return this.#stop;
  }

  /** Tells streams to end; the rest goes on until `stop`. */
  beginStop(): void {
    this.#stopping.abort();
  }

  async #shutDown(): Promise<void> {
    this.beginStop();
    await handOver(this.#engine);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#engine.close(etcdError(ETCD_ERRORS.stopped));
  }

  #leave(): void {
    if (this.#removed) return;
    this.#removed = true;
    const { identity, onRemoved } = this.#options;
    this.#engine.storage.condemn(removedError(identity).message);
    // What waits can't happen any more; callers are to go to another member at once.
    setImmediate(() => this.#engine.driver.stop(etcdError(ETCD_ERRORS.stopped)));
    onRemoved();
  }
}
