import {
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
} from "../../../regional/raft/index.js";
import type { Random } from "../../../shared/random.js";
import type { SimMember } from "./member.js";
import type { OperatorRequest, WorldSettings } from "./settings.js";
import type { WorldStats } from "./stats.js";
import type { WorldClock } from "./world-clock.js";

/** Whom an operator can ask. */
export interface OperatorTargets {
  readonly ids: readonly number[];
  /** Members that run and don't stand still. */
  awake(): readonly SimMember[];
  /** Somebody was asked to hand leadership over. */
  transferAsked(): void;
}

interface Single {
  readonly type: ConfChangeType;
  readonly nodeId: number;
}

const NO_CONTEXT = new Uint8Array(0);

/** Asks for what is legal at any time, often at a bad one, and under load. */
export class Operator {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: WorldStats;
  readonly #targets: OperatorTargets;
  readonly #settings: WorldSettings;
  #stopped = false;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: WorldStats,
    targets: OperatorTargets,
    settings: WorldSettings,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.#targets = targets;
    this.#settings = settings;
  }

  start(): void {
    if (this.#settings.requests.length === 0) return;
    this.#clock.after(1 + this.#random.int(2 * this.#settings.requestPeriod), () => {
      if (this.#stopped) return;
      this.#ask(this.#random.pick(this.#settings.requests));
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #ask(request: OperatorRequest): void {
    const awake = this.#targets.awake();
    if (awake.length === 0) return;
    const member = this.#random.pick(awake);
    const other = this.#random.pick(this.#targets.ids);
    this.#clock.note(`operator asks % for ${request}, about %`, member.id, other);
    switch (request) {
      case "transfer":
        this.#stats.transfersAsked++;
        this.#targets.transferAsked();
        member.node.transferLeader(other);
        break;
      case "campaign":
        member.node.campaign();
        break;
      case "forget-leader":
        member.node.forgetLeader();
        break;
      case "false-news":
        // Of a leader that reads by lease it must not be said unless it is so.
        if (this.#settings.node.readOnly === "leaseBased") break;
        member.node.peerGone(member.node.status().lead);
        break;
      case "membership":
        this.#changeMembership(other);
        break;
    }
    for (const each of awake) each.drain();
  }

  #changeMembership(other: number): void {
    const leader = this.#targets.awake().find(({ leads }) => leads > 0);
    if (leader === undefined) return;
    const { confState } = leader.node.status();
    if (confState.votersOutgoing.length > 0) {
      if (confState.autoLeave) return;
      const leave = { transition: ConfChangeTransition.auto, changes: [], context: NO_CONTEXT };
      leader.node.proposeConfChange(leave);
      return;
    }
    const changes = this.#drawChanges(confState, other);
    const transition = this.#random.pick(Object.values(ConfChangeTransition));
    leader.node.proposeConfChange({ transition, changes, context: NO_CONTEXT });
  }

  /** One member, or two at once. */
  #drawChanges(conf: ConfState, other: number): Single[] {
    const changes = [this.#drawChange(conf, other)];
    if (this.#random.chance(0.4)) {
      const second = this.#random.pick(this.#targets.ids);
      if (second !== other) changes.push(this.#drawChange(conf, second));
    }
    return changes;
  }

  /** Who is not there comes, as a learner first or at once; who is there may go. */
  #drawChange(conf: ConfState, nodeId: number): Single {
    const { voters, learners } = conf;
    const { addNode, addLearnerNode, removeNode } = ConfChangeType;
    const random = this.#random;
    if (learners.includes(nodeId))
      return { type: random.chance(0.8) ? addNode : removeNode, nodeId };
    if (!voters.includes(nodeId))
      return { type: random.chance(0.5) ? addLearnerNode : addNode, nodeId };
    // A group of three or fewer stays as it is, so that a world doesn't dwindle.
    if (voters.length <= 3 && random.chance(0.6)) return { type: addNode, nodeId };
    return { type: random.chance(0.7) ? removeNode : addLearnerNode, nodeId };
  }
}
