import { ConfChangeTransition, ConfChangeType, RaftState } from "../../regional/raft/index.js";
import type { SimClients } from "./raft-clients.js";
import type { SimMember } from "./raft-member.js";
import { RECOVERY_BOUND } from "./raft-settings.js";
import type { RaftStats } from "./raft-stats.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/** The members of a world, all of which run now. */
export interface RecoveringMembers {
  readonly ids: readonly number[];
  running(): readonly SimMember[];
}

/**
 * A world after its trouble: within a bound, all members must vote and follow one leader,
 * clients must be served, and then all logs and states must end alike.
 */
export class Recovery {
  readonly #clock: WorldClock;
  readonly #clients: SimClients;
  readonly #stats: RaftStats;
  readonly #members: RecoveringMembers;
  readonly #began: number;

  constructor(
    clock: WorldClock,
    clients: SimClients,
    stats: RaftStats,
    members: RecoveringMembers,
  ) {
    this.#clock = clock;
    this.#clients = clients;
    this.#stats = stats;
    this.#members = members;
    this.#began = clock.now;
  }

  /** Returns the virtual time that it took. Throws a Violation when it takes too long. */
  run(): number {
    const acknowledged = this.#stats.writesAcknowledged;
    while (!(this.#settled() && this.#stats.writesAcknowledged > acknowledged)) this.#pass();
    this.#clients.stop();
    // A membership change may still have been on its way.
    while (!(this.#settled() && this.#caughtUp())) this.#pass();
    return this.#clock.now - this.#began;
  }

  #pass(): void {
    const until = this.#clock.now + 20;
    while (this.#clock.now < until) this.#clock.step();
    this.#restoreMembership();
    if (this.#clock.now - this.#began <= RECOVERY_BOUND) return;
    const states = this.#members.running().map(({ id, node, state, lastIndex }) => {
      const { raftState, term, commit, confState } = node.status();
      return `${id} ${raftState} term ${term} last ${lastIndex} commit ${commit} applied ${state.index} voters ${confState.voters.join(",")}`;
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

  /** One leader leads all members, and all of them vote. */
  #settled(): boolean {
    const leader = this.#leader();
    if (leader === undefined) return false;
    const { term, confState } = leader.node.status();
    if (
      confState.voters.length !== this.#members.ids.length ||
      confState.votersOutgoing.length > 0
    ) {
      return false;
    }
    return this.#members.running().every(({ node }) => {
      const status = node.status();
      return status.term === term && status.lead === leader.id;
    });
  }

  /** All logs end alike and everything in them is applied. */
  #caughtUp(): boolean {
    const end = this.#leader()?.lastIndex;
    return this.#members
      .running()
      .every(({ lastIndex, state }) => lastIndex === end && state.index === end);
  }
}
