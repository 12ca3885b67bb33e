import { ConfChangeTransition, ConfChangeType, RaftState } from "../../regional/raft/index.js";
import type { Random } from "../../shared/random.js";
import type { SimMember } from "./raft-member.js";
import type { SimNetwork } from "./raft-network.js";
import type { Fault, RaftWorldSettings } from "./raft-settings.js";
import type { RaftStats } from "./raft-stats.js";
import type { WorldClock } from "./world-clock.js";

/** What faults are done to. */
export interface FaultTargets {
  readonly ids: readonly number[];
  running(): readonly SimMember[];
  crash(member: SimMember): void;
  start(id: number): void;
  isRunning(id: number): boolean;
  stallDisk(id: number, until: number): void;
}

/** Virtual time that a frail leader lives at most: time for a few messages. */
const MAX_FRAIL_LIFE = 60;
const NO_CONTEXT = new Uint8Array(0);

/** The trouble of a world, one piece at a time. */
export class FaultInjector {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: RaftStats;
  readonly #network: SimNetwork;
  readonly #targets: FaultTargets;
  readonly #settings: RaftWorldSettings;
  #stopped = false;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: RaftStats,
    network: SimNetwork,
    targets: FaultTargets,
    settings: RaftWorldSettings,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.#network = network;
    this.#targets = targets;
    this.#settings = settings;
  }

  start(): void {
    if (this.#settings.faults.length > 0) this.#next();
  }

  /** A new leader may not be heard, or not live long, nor those who voted for it. */
  elected(leader: SimMember): void {
    const random = this.#random;
    if (this.#stopped || !random.chance(this.#settings.leaderFrailty)) return;
    if (random.chance(0.5)) this.#partition([leader.id], this.#targets.ids, false);
    else this.#crashSoon(leader.id);
    if (random.chance(0.3)) this.#crashSoon(random.pick(this.#targets.ids));
  }

  stop(): void {
    this.#stopped = true;
  }

  #next(): void {
    this.#clock.after(1 + this.#random.int(2 * this.#settings.faultPeriod), () => {
      if (this.#stopped) return;
      this.#inject(this.#random.pick(this.#settings.faults));
      this.#next();
    });
  }

  #inject(fault: Fault): void {
    const ids = this.#targets.ids;
    const random = this.#random;
    switch (fault) {
      case "crash":
        this.#crash(random.pick(ids));
        break;
      case "crash-leader": {
        const leader = this.#findLeader();
        if (leader !== undefined) this.#crash(leader.id);
        break;
      }
      case "power-cut":
        if (!random.chance(0.3)) break;
        this.#stats.powerCuts++;
        for (const id of ids) this.#crash(id);
        break;
      case "isolate": {
        const id = random.pick(ids);
        this.#partition([id], ids, true);
        break;
      }
      case "split": {
        const some = ids.filter(() => random.chance(0.5));
        this.#partition(
          some,
          ids.filter((id) => !some.includes(id)),
          true,
        );
        break;
      }
      case "one-way":
        this.#partition([random.pick(ids)], [random.pick(ids), random.pick(ids)], false);
        break;
      case "heal":
        this.#network.heal();
        break;
      case "disk-stall":
        this.#stats.diskStalls++;
        this.#targets.stallDisk(random.pick(ids), this.#clock.now + random.int(500));
        break;
      default:
        this.#disturb(fault);
    }
  }

  #crashSoon(id: number): void {
    this.#clock.after(1 + this.#random.int(MAX_FRAIL_LIFE), () => {
      if (!this.#stopped) this.#crash(id);
    });
  }

  #crash(id: number): void {
    const member = this.#targets.running().find((running) => running.id === id);
    if (member === undefined) return;
    this.#targets.crash(member);
    this.#clock.after(1 + this.#random.int(this.#settings.maxDownTime), () => {
      if (!this.#targets.isRunning(id)) this.#targets.start(id);
    });
  }

  #findLeader(): SimMember | undefined {
    return this.#targets
      .running()
      .find((member) => member.node.status().raftState === RaftState.leader);
  }

  #partition(from: readonly number[], to: readonly number[], bothWays: boolean): void {
    this.#stats.partitions++;
    this.#network.block(from, to);
    if (bothWays) this.#network.block(to, from);
    this.#clock.note("cut % and % others off", from[0] ?? 0, from.length - 1);
    this.#clock.after(50 + this.#random.int(this.#random.chance(0.5) ? 150 : 800), () =>
      this.#network.heal(),
    );
  }

  /** Requests that are legal at any time, made at a bad one. */
  #disturb(fault: "transfer" | "campaign" | "forget-leader" | "membership"): void {
    const running = this.#targets.running();
    if (running.length === 0) return;
    const member = this.#random.pick(running);
    const other = this.#random.pick(this.#targets.ids);
    this.#clock.note(`${fault} at %, about %`, member.id, other);
    if (fault === "transfer") {
      this.#stats.transfers++;
      member.node.transferLeader(other);
    } else if (fault === "campaign") {
      member.node.campaign();
    } else if (fault === "forget-leader") {
      member.node.forgetLeader();
    } else {
      this.#changeMembership(other);
    }
    for (const each of this.#targets.running()) each.drain();
  }

  #changeMembership(other: number): void {
    const leader = this.#findLeader();
    if (leader === undefined) return;
    const { confState } = leader.node.status();
    if (confState.votersOutgoing.length > 0) {
      if (confState.autoLeave) return;
      const leave = { transition: ConfChangeTransition.auto, changes: [], context: NO_CONTEXT };
      leader.node.proposeConfChange(leave);
      return;
    }
    const ids = this.#random.chance(0.4) ? [other, this.#random.pick(this.#targets.ids)] : [other];
    const changes = ids.map((nodeId) => ({ type: this.#drawChange(), nodeId }));
    const transition = this.#random.pick(Object.values(ConfChangeTransition));
    leader.node.proposeConfChange({ transition, changes, context: NO_CONTEXT });
  }

  /** Two in three changes let a member vote, so that a world doesn't dwindle. */
  #drawChange(): ConfChangeType {
    return this.#random.pick([
      ConfChangeType.addNode,
      ConfChangeType.addNode,
      ConfChangeType.addNode,
      ConfChangeType.addNode,
      ConfChangeType.addLearnerNode,
      ConfChangeType.removeNode,
    ]);
  }
}
