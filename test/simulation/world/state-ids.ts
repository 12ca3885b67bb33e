import type { ConfState } from "../../../regional/raft/types.js";
import { memberIds } from "../../../regional/store/membership.js";

/*
 * In a region's state an id is never used again, but in a world a member that was removed may
 * come back as it is. To the state it is another one then, whose id is so much higher.
 */
const NEXT_LIFE = 64;

function mapped(conf: ConfState, map: (id: number) => number): ConfState {
  const ids = (list: readonly number[]): number[] => list.map(map).sort((a, b) => a - b);
  return {
    voters: ids(conf.voters),
    learners: ids(conf.learners),
    votersOutgoing: ids(conf.votersOutgoing),
    learnersNext: ids(conf.learnersNext),
    autoLeave: conf.autoLeave,
  };
}

/** A membership of the state as one of the world's members. */
export function toWorld(conf: ConfState): ConfState {
  return mapped(conf, (id) => id % NEXT_LIFE);
}

/** The state's ids for a membership that follows `before`, which is the state's. */
export function toState(
  conf: ConfState,
  before: ConfState,
  isRemoved: (id: number) => boolean,
): ConfState {
  const known = new Map([...memberIds(before)].map((id) => [id % NEXT_LIFE, id]));
  return mapped(conf, (id) => {
    let life = known.get(id) ?? id;
    while (isRemoved(life)) life += NEXT_LIFE;
    return life;
  });
}
