import type { SimMember } from "./member.js";
import type { Reference } from "./reference.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/**
 * Virtual time in which a member whose state differs must have found out and stopped, once
 * nothing else is wrong: a few seconds, as a tick is about 16 ms.
 */
const NAMING_BOUND = 6000;

/** Compares all members' states with the reference. */
export class Divergence {
  readonly #clock: WorldClock;
  readonly #reference: Reference;
  /** Members that run with a damaged state, and since when. */
  readonly #damaged = new Map<SimMember, number>();

  constructor(clock: WorldClock, reference: Reference) {
    this.#clock = clock;
    this.#reference = reference;
  }

  /** Equal hash chains at equal index; only a flipped bit excuses another one. */
  check(member: SimMember): void {
    const { machine, id } = member;
    if (machine.damaged) this.damaged(member);
    else {
      this.#damaged.delete(member);
      if (this.#reference.agrees(machine)) return;
      throw new Violation("equal hash chains", `${id} has another one at ${machine.index}`);
    }
  }

  /** A bit was flipped in a member's state. */
  damaged(member: SimMember): void {
    if (this.#damaged.has(member)) return;
    this.#clock.note("% has a damaged state at %", member.id, member.machine.index);
    this.#damaged.set(member, this.#clock.now);
  }

  /** A member's process has ended. */
  ended(member: SimMember): void {
    this.#damaged.delete(member);
  }

  /** Nothing else is wrong since `healthySince`: what is damaged must be found in time. */
  checkFound(healthySince: number): void {
    for (const [member, since] of this.#damaged) {
      if (this.#clock.now - Math.max(since, healthySince) > NAMING_BOUND) {
        throw new Violation(
          "diverged members are found",
          `${member.id} has had a damaged state since ${since} and goes on`,
        );
      }
    }
  }
}
