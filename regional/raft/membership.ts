/**
 * Arithmetic of memberships: what a change makes of a ConfState. Dissertation chapter 4;
 * joint consensus §4.3. Source of the details: etcd-io/raft `confchange/confchange.go`.
 */
import { AtollError } from "../../shared/errors.js";
import { entersJoint, leavesJoint } from "./conf-change.js";
import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
  NO_NODE,
} from "./types.js";

/** A membership after a change. */
export interface Changed {
  readonly conf: ConfState;
  /** Nodes that left on the way, even if they came back: nothing known of them holds. */
  readonly dropped: ReadonlySet<number>;
}

function refuse(message: string): AtollError {
  return new AtollError("FAILED_PRECONDITION", message);
}

const ascending = (a: number, b: number): number => a - b;

/** The sets of a ConfState while it is being changed. */
class Draft {
  readonly voters: Set<number>;
  readonly outgoing: Set<number>;
  readonly learners: Set<number>;
  readonly learnersNext: Set<number>;
  readonly dropped = new Set<number>();

  constructor(conf: ConfState) {
    this.voters = new Set(conf.voters);
    this.outgoing = new Set(conf.votersOutgoing);
    this.learners = new Set(conf.learners);
    this.learnersNext = new Set(conf.learnersNext);
  }

  apply(changes: readonly ConfChangeSingle[]): void {
    for (const { type, nodeId } of changes) {
      // A change that was struck out after it had been proposed has node id 0.
      if (nodeId === NO_NODE) continue;
      if (type === ConfChangeType.addNode) this.#makeVoter(nodeId);
      else if (type === ConfChangeType.addLearnerNode) this.#makeLearner(nodeId);
      else if (type === ConfChangeType.removeNode) this.#remove(nodeId);
    }
    if (this.voters.size === 0) throw refuse("removed all voters");
  }

  finish(autoLeave: boolean): Changed {
    const sorted = (ids: Set<number>): number[] => [...ids].sort(ascending);
    return {
      conf: {
        voters: sorted(this.voters),
        learners: sorted(this.learners),
        votersOutgoing: sorted(this.outgoing),
        learnersNext: sorted(this.learnersNext),
        autoLeave,
      },
      dropped: this.dropped,
    };
  }

  #makeVoter(id: number): void {
    this.voters.add(id);
    this.learners.delete(id);
    this.learnersNext.delete(id);
  }

  #makeLearner(id: number): void {
    if (this.learners.has(id)) return;
    this.voters.delete(id);
    // A node still voting in the outgoing half becomes a learner when that half goes.
    if (this.outgoing.has(id)) this.learnersNext.add(id);
    else this.learners.add(id);
  }

  #remove(id: number): void {
    this.voters.delete(id);
    this.learners.delete(id);
    this.learnersNext.delete(id);
    if (!this.outgoing.has(id)) this.dropped.add(id);
  }
}

/** True while two majorities decide. */
export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/**
 * Enters a joint configuration: the voters become the outgoing half too, then `changes` are
 * made to the incoming half.
 * @throws AtollError FAILED_PRECONDITION when joint already or when no voter would be left
 */
export function enterJoint(
  conf: ConfState,
  autoLeave: boolean,
  changes: readonly ConfChangeSingle[],
): Changed {
  if (isJoint(conf)) throw refuse("config is already joint");
  if (conf.voters.length === 0) throw refuse("can't make a zero-voter config joint");
  const draft = new Draft({ ...conf, votersOutgoing: conf.voters });
  draft.apply(changes);
  return draft.finish(autoLeave);
}

/**
 * Leaves a joint configuration: the incoming half decides alone, staged learners become
 * learners.
 * @throws AtollError FAILED_PRECONDITION when the configuration is not joint
 */
export function leaveJoint(conf: ConfState): Changed {
  if (!isJoint(conf)) throw refuse("can't leave a non-joint config");
  const draft = new Draft(conf);
  for (const id of draft.learnersNext) draft.learners.add(id);
  for (const id of draft.outgoing) {
    if (!draft.voters.has(id) && !draft.learners.has(id)) draft.dropped.add(id);
  }
  draft.outgoing.clear();
  draft.learnersNext.clear();
  return draft.finish(false);
}

/**
 * Changes at most one voter (and any number of learners) without a joint configuration.
 * @throws AtollError FAILED_PRECONDITION when joint, when more than one voter would change or
 *   none would be left
 */
export function changeSimply(conf: ConfState, changes: readonly ConfChangeSingle[]): Changed {
  if (isJoint(conf)) throw refuse("can't apply simple config change in joint config");
  const draft = new Draft(conf);
  draft.apply(changes);
  const before = new Set(conf.voters);
  let changed = 0;
  for (const id of draft.voters) if (!before.has(id)) changed++;
  for (const id of before) if (!draft.voters.has(id)) changed++;
  if (changed > 1) throw refuse("more than one voter changed without entering joint config");
  return draft.finish(conf.autoLeave);
}

/**
 * What `change` makes of `conf`.
 * @throws AtollError FAILED_PRECONDITION when the change can't be made to it
 */
export function changeMembership(conf: ConfState, change: ConfChange): Changed {
  if (leavesJoint(change)) return leaveJoint(conf);
  if (entersJoint(change))
    return enterJoint(
      conf,
      change.transition !== ConfChangeTransition.jointExplicit,
      change.changes,
    );
  return changeSimply(conf, change.changes);
}

/**
 * Checks a ConfState that comes from outside and sorts its lists.
 * @throws AtollError INVALID_ARGUMENT naming what is wrong with it
 */
export function checkedConfState(conf: ConfState): ConfState {
  const wrong = (what: string): AtollError =>
    new AtollError("INVALID_ARGUMENT", `membership: ${what}`);
  const sorted = (name: string, ids: readonly number[]): number[] => {
    const list = [...ids].sort(ascending);
    for (const [i, id] of list.entries()) {
      if (!Number.isSafeInteger(id) || id < 1) throw wrong(`${name} holds ${id}, not a node id`);
      if (list[i - 1] === id) throw wrong(`${name} holds ${id} twice`);
    }
    return list;
  };
  const voters = sorted("voters", conf.voters);
  const learners = sorted("learners", conf.learners);
  const votersOutgoing = sorted("votersOutgoing", conf.votersOutgoing);
  const learnersNext = sorted("learnersNext", conf.learnersNext);
  for (const id of learners) {
    if (voters.includes(id) || votersOutgoing.includes(id)) {
      throw wrong(`${id} is both a learner and a voter`);
    }
  }
  for (const id of learnersNext) {
    if (!votersOutgoing.includes(id) || voters.includes(id)) {
      throw wrong(`${id} is in learnersNext and must be an outgoing voter only`);
    }
  }
  if (votersOutgoing.length > 0 && voters.length === 0) {
    throw wrong("it is joint and has no voters");
  }
  if (votersOutgoing.length === 0 && conf.autoLeave) {
    throw wrong("autoLeave is set and it is not joint");
  }
  return { voters, learners, votersOutgoing, learnersNext, autoLeave: conf.autoLeave };
}
