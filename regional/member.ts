import { formatHostPort, type HostPort } from "../shared/address.js";
import { type Clock, systemClock } from "../shared/clock.js";
import { errorText } from "../shared/errors.js";
import {
  HANDOVER_LIMIT_MS,
  MAX_REQUEST_BYTES,
  PROGRESS_NOTIFY_INTERVAL_MS,
  TICK_MS,
} from "../shared/limits.js";
import type { Logger } from "../shared/log.js";
import { openStorage } from "./backend/storage.js";
import { alarmsOf } from "./member/alarms.js";
import { encodeAttributes, sameAttributes } from "./member/attributes.js";
import { bestFollower } from "./member/disk-watch.js";
import { MemberEngine } from "./member/engine.js";
import { type ClusterIdentity, initialConfState } from "./member/identity.js";
import { loadState } from "./member/load-state.js";
import type { MemberMetrics } from "./member/metrics.js";
import { type MemberStats, statsOf } from "./member/stats.js";
import { DEFAULT_TUNING, type MemberTuning } from "./member/tuning.js";
import type { LeaseStatus, MemberInfo, NodeAlarm, NodeStatus, RegionalNode } from "./node.js";
import { LeaseOp } from "./peer/lease-wire.js";
import { NO_NODE } from "./raft/index.js";
import { CommandKind } from "./store/command.js";
import { ETCD_ERRORS, etcdError } from "./store/etcd-errors.js";
import type { Outcome } from "./store/outcome.js";
import type { MemberAttributes, RegionState } from "./store/state.js";
import type { WatchHub } from "./watch/hub.js";

/** How a member is run. */
export interface MemberOptions {
  readonly identity: ClusterIdentity;
  readonly dataDir: string;
  /** Where to listen for the other members. */
  readonly peer: HostPort;
  /** Where clients reach this member; published to the group. */
  readonly client: HostPort;
  readonly logger: Logger;
  readonly metrics: MemberMetrics;
  /** The member can't go on: it must be stopped. Called once at most. */
  readonly onFatal: (error: unknown) => void;
  readonly clock?: Clock;
  readonly tuning?: Partial<MemberTuning>;
}

function url(address: HostPort): string {
  return `http://${formatHostPort(address)}`;
}

/** One member of a region's group: what the API serves from. */
export class Member implements RegionalNode {
  readonly clusterId: bigint;
  readonly memberId: number;
  readonly name: string;
  readonly #engine: MemberEngine;
  readonly #options: MemberOptions;
  readonly #attributes: MemberAttributes;
  readonly #stopping = new AbortController();
  #publishing = false;
  #timers: NodeJS.Timeout[] = [];
  #stop: Promise<void> | undefined;

  private constructor(options: MemberOptions, engine: (onChore: () => void) => MemberEngine) {
    const { identity, client } = options;
    this.#options = options;
    this.clusterId = BigInt(identity.clusterId);
    this.memberId = identity.self.id;
    this.name = identity.self.name;
    this.#attributes = {
      id: identity.self.id,
      name: identity.self.name,
      peerUrls: [url(identity.self.peer)],
      clientUrls: [url(client)],
    };
    this.#engine = engine(() => this.#publish());
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
    const initial = initialConfState(identity);
    const storage = await openStorage({
      path: dataDir,
      identity: { clusterId: BigInt(identity.clusterId), memberId: identity.self.id },
      initial,
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
      const state = await loadState(storage.backend, initial);
      const member = new Member(options, (onChore) => {
        const { onFatal, clock = systemClock } = options;
        engine = new MemberEngine({
          identity,
          storage,
          state,
          clock,
          tuning: { ...DEFAULT_TUNING, ...options.tuning },
          logger,
          onFatal,
          onChore,
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
    if (this.#options.identity.members.length === 1) driver.feed((raft) => raft.campaign());
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
      isLearner: this.state.applied.confState.learners.includes(this.memberId),
      errors: this.hasLeader ? [] : [ETCD_ERRORS.noLeader.message],
    };
  }

  members(): readonly MemberInfo[] {
    const { voters, learners, votersOutgoing } = this.state.applied.confState;
    const published = new Map(this.state.members().map((member) => [member.id, member]));
    const ids = [...new Set([...voters, ...votersOutgoing, ...learners])].sort((a, b) => a - b);
    return ids.map((id) => {
      const initial = this.#options.identity.members.find((member) => member.id === id);
      const unpublished = {
        name: "",
        peerUrls: initial === undefined ? [] : [url(initial.peer)],
        clientUrls: [],
      };
      return { ...unpublished, ...published.get(id), id, isLearner: learners.includes(id) };
    });
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
    await this.#handOver();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#engine.close(etcdError(ETCD_ERRORS.stopped));
  }

  async #handOver(): Promise<void> {
    const { driver } = this.#engine;
    if (driver.lead !== this.memberId || driver.isStopped) return;
    const to = bestFollower(this.#engine.raftStatus(), 0);
    if (to === undefined) return;
    driver.feed((raft) => raft.transferLeader(to));
    const endMs = performance.now() + HANDOVER_LIMIT_MS;
    while (driver.lead === this.memberId && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Publishes name and addresses once they differ from what the group knows. */
  #publish(): void {
    if (this.#publishing || !this.hasLeader || this.#stopping.signal.aborted) return;
    const known = this.state.members().find((member) => member.id === this.memberId);
    if (sameAttributes(known, this.#attributes)) return;
    this.#publishing = true;
    this.propose(CommandKind.memberUpdate, encodeAttributes(this.#attributes)).then(
      () => {
        this.#publishing = false;
      },
      (error: unknown) => {
        this.#publishing = false;
        if (this.#stopping.signal.aborted) return;
        this.#options.logger.warn({ reason: errorText(error) }, "member attributes not published");
      },
    );
  }
}
