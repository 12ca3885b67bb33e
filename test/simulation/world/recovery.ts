import { ConfChangeTransition, ConfChangeType, RaftState } from "../../../regional/raft/index.js";
import type { SimClients } from "./clients.js";
import type { Divergence } from "./divergence.js";
import type { SimMember } from "./member.js";
import type { Reference } from "./reference.js";
import { RECOVERY_BOUND } from "./settings.js";
import type { WorldStats } from "./stats.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/** The members of a world, all of which are to run now. */
export interface RecoveringMembers {
  readonly ids: readonly number[];
  running(): readonly SimMember[];
}

/** What their states are compared with. */
export interface Truth {
  readonly divergence: Divergence;
  readonly reference: Reference;
}

/**
 * A world after its trouble: within a bound, members with another state are found out, all
 * members vote and follow one leader, clients are served, every key can be read, and then
 * all logs and states end alike.
 */
export class Recovery {
  readonly #clock: WorldClock;
  readonly #clients: SimClients;
  readonly #stats: WorldStats;
  readonly #members: RecoveringMembers;
  readonly #truth: Truth;
  readonly #began: number;

  constructor(
    clock: WorldClock,
    clients: SimClients,
    stats: WorldStats,
    members: RecoveringMembers,
    truth: Truth,
  ) {
    this.#clock = clock;
    this.#clients = clients;
    this.#stats = stats;
    this.#members = members;
    this.#truth = truth;
    this.#began = clock.now;
  }

  /** Returns the virtual time that it took. Throws a Violation when it takes too long. */
  run(): number {
    const acknowledged = this.#stats.writesAcknowledged;
    this.#waitFor(() => this.#settled() && this.#stats.writesAcknowledged > acknowledged);
    this.#clients.stop();
    let read = false;
    this.#clients.readAll(() => {
      read = true;
    });
    // A membership change may still have been on its way.
    this.#waitFor(() => read && this.#settled() && this.#caughtUp());
    this.#compareStates();
    return this.#clock.now - this.#began;
  }

  #waitFor(condition: () => boolean): void {
    while (!condition()) {
      const until = this.#clock.now + 20;
      while (this.#clock.now < until) this.#clock.step();
      this.#truth.divergence.checkFound(this.#began);
      this.#restoreMembership();
      if (this.#clock.now - this.#began > RECOVERY_BOUND) this.#fail();
    }
  }

  #fail(): never {
    const states = this.#members.running().map(({ id, node, machine, lastIndex }) => {
      const { raftState, term, commit, confState } = node.status();
      return `${id} ${raftState} term ${term} last ${lastIndex} commit ${commit} applied ${machine.index} voters ${confState.voters.join(",")}`;
    });
    throw new Violation("recovery", `not within ${RECOVERY_BOUND}: ${states.join("; ")}`);
  }

  #leader(): SimMember | undefined {
    return this.#members
      .running()
      .filter(({ node }) => node.status().raftState === RaftState.leader)
      .sort((a, b) => b.node.status().term - a.node.status().term)[0];
  }

  /** Makes everybody a voter again, a step at a time. */
  #restoreMembership(): void {
    const leader = this.#leader();
    if (leader === undefined) return;
    const { confState } = leader.node.status();
    const context = new Uint8Array(0);
    if (!confState.voters.includes(leader.id)) {
      // A leader that was removed and stays can't propose: let a member lead.
      leader.node.transferLeader(confState.voters[0] as number);
    } else if (confState.votersOutgoing.length > 0) {
      if (confState.autoLeave) return;
      const transition = ConfChangeTransition.auto;
      leader.node.proposeConfChange({ transition, changes: [], context });
    } else {
      const missing = this.#members.ids.filter((id) => !confState.voters.includes(id));
      if (missing.length === 0) return;
      const changes = missing.map((nodeId) => ({ type: ConfChangeType.addNode, nodeId }));
      const transition = ConfChangeTransition.jointImplicit;
      leader.node.proposeConfChange({ transition, changes, context });
    }
    leader.drain();
  }

  /** One leader leads all members, all of them vote, and no state is damaged. */
  #settled(): boolean {
    const leader = this.#leader();
    const running = this.#members.running();
    const count = this.#members.ids.length;
    if (leader === undefined || running.length < count) return false;
    const { term, confState } = leader.node.status();
    if (confState.voters.length !== count || confState.votersOutgoing.length > 0) return false;
    return running.every(({ node, machine }) => {
      const status = node.status();
      return status.term === term && status.lead === leader.id && !machine.damaged;
    });
  }

  /** All logs end alike and everything in them is applied. */
  #caughtUp(): boolean {
    const end = this.#leader()?.lastIndex;
    return this.#members
      .running()
      .every(({ lastIndex, machine }) => lastIndex === end && machine.index === end);
  }

  /** Byte for byte, whatever the way to them. */
  #compareStates(): void {
    const expected = this.#truth.reference.image();
    for (const { id, machine } of this.#members.running()) {
      if (Buffer.compare(machine.image(), expected) !== 0) {
        throw new Violation("equal states", `${id} has another one at ${machine.index}`);
      }
    }
  }
}
