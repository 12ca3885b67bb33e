import { type Core, NOT_ORPHANED } from "./core.js";
import { NO_NODE, RaftState } from "./types.js";

/*
 * What a node does that is told that its leader is gone (the leader's machine refuses connections
 * to it, say), instead of waiting out the election timeout.
 *
 * It forgets the leader, so that it answers requests for votes, and campaigns within a few ticks:
 * the voters that are left take turns in the order of their ids, so that they don't split the
 * votes, for as long as an election timeout. A voter that has to refuse its pre-vote, because its
 * own log reaches further, campaigns at once: it is the better one. Nodes of a lower priority
 * than the leader said there are let one round pass.
 *
 * Who is told so wrongly disturbs nobody, given pre-votes: the others, who hear from the leader,
 * don't answer, and the leader's next message ends it. What it does break is the promise on which
 * leases rest (lease.ts); that is why it must not be said of a leader that reads by lease, unless
 * it is certain.
 *
 * It is the leader's counterpart of ForgetLeader in etcd-io/raft, and of what dissertation §9.6
 * and §4.2.3 allow: who has no reason to believe in a leader may vote.
 */

/** The voters that may take turns: all but the one that is gone. */
function heirs(core: Core): number[] {
  return core.tracker.voterIds().filter((id) => id !== core.goneLeader);
}

/** The turn of this node: ticks to wait beyond the first. */
function turnOf(core: Core, voters: readonly number[]): number {
  const yields = core.config.priority < core.expectedPriority;
  return voters.indexOf(core.id) + (yields ? voters.length : 0);
}

/** Takes the news. True if this node is the first whose turn it is. */
export function orphan(core: Core, leader: number): boolean {
  if (core.state !== RaftState.follower || core.lead !== leader || leader === NO_NODE) return false;
  core.lead = NO_NODE;
  core.goneLeader = leader;
  core.orphanedAt = core.ticks;
  return core.promotable() && turnOf(core, heirs(core)) === 0;
}

/** Whether it is this node's turn to campaign, in this tick. */
export function isOrphansTurn(core: Core): boolean {
  if (core.orphanedAt === NOT_ORPHANED) return false;
  const ticks = core.ticks - core.orphanedAt;
  if (ticks > core.config.electionTicks) return false;
  const voters = heirs(core);
  const wait = ticks - 1 - turnOf(core, voters);
  return wait >= 0 && wait % voters.length === 0;
}
