import { type Message, MessageType } from "../../../regional/raft/index.js";
import type { SimMember } from "./member.js";
import { Violation } from "./violation.js";

/** Checks of the quorum that a leader may take to notice that it has lost it. */
const CHECKS = 2;

/**
 * Watches that a leader with check-quorum steps down when it hears from no quorum: at the
 * second check at the latest, and checks are an election timeout apart.
 */
export class QuorumWatch {
  readonly #patience: number;
  /** Per member's life: at which of its ticks it last heard from whom, as a leader. */
  readonly #heard = new WeakMap<SimMember, Map<number, number>>();
  readonly #since = new WeakMap<SimMember, number>();

  /** @param electionTicks of all members */
  constructor(electionTicks: number) {
    this.#patience = CHECKS * electionTicks;
  }

  /** Something began that gives a leader more time: a term, a membership, a transfer. */
  restart(member: SimMember): void {
    this.#since.set(member, member.ticks);
  }

  /** A message has come. */
  delivered(member: SimMember, message: Message): void {
    if (message.type === MessageType.transferLeader) this.restart(member);
    if (member.leads === 0 || message.term !== member.leads) return;
    let heard = this.#heard.get(member);
    if (heard === undefined) {
      heard = new Map();
      this.#heard.set(member, heard);
    }
    heard.set(message.from, member.ticks);
  }

  /** A tick has passed for a member. */
  ticked(member: SimMember): void {
    if (member.leads === 0) return;
    const from = member.ticks - this.#patience;
    if ((this.#since.get(member) ?? 0) >= from) return;
    const heard = this.#heard.get(member);
    const { voters, votersOutgoing } = member.machine.conf;
    for (const half of [voters, votersOutgoing]) {
      const active = half.filter((id) => id === member.id || (heard?.get(id) ?? -1) >= from);
      if (half.length > 0 && active.length * 2 <= half.length) {
        throw new Violation(
          "no leader without a quorum",
          `${member.id} leads term ${member.leads} and has heard only from ${active.join(", ")} of ${half.join(", ")} for ${this.#patience} ticks`,
        );
      }
    }
  }
}
