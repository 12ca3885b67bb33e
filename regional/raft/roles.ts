import type { Core } from "./core.js";
import { violated } from "./invariant.js";
import { NO_NODE, RaftState } from "./types.js";

function enter(core: Core, state: RaftState): void {
  core.state = state;
  core.config.trace?.({ kind: "role", state, term: core.term });
}

/** Follows `lead` (or nobody yet) in `term`. */
export function becomeFollower(core: Core, term: number, lead: number): void {
  core.reset(term);
  core.lead = lead;
  enter(core, RaftState.follower);
}

/** Asks whether an election could be won; term and vote stay as they are (§9.6). */
export function becomePreCandidate(core: Core): void {
  if (core.state === RaftState.leader) violated("a leader can't become pre-candidate");
  core.tracker.resetVotes();
  core.lead = NO_NODE;
  enter(core, RaftState.preCandidate);
}

/** Opens a new term with a vote for itself. */
export function becomeCandidate(core: Core): void {
  if (core.state === RaftState.leader) violated("a leader can't become candidate");
  core.reset(core.term + 1);
  core.vote = core.id;
  enter(core, RaftState.candidate);
}

/** Leads the term it was elected in; the caller appends the term's first entry. */
export function becomeLeader(core: Core): void {
  if (core.state === RaftState.follower) violated("a follower can't become leader");
  core.reset(core.term);
  core.lead = core.id;
  const self = core.tracker.get(core.id);
  if (self === undefined) violated("elected without being a member");
  self.becomeReplicate();
  self.recentActive = true;
  // There may be an unapplied membership change in the log; no other is allowed before
  // everything that is in it now has been applied. Cheaper than to look.
  core.pendingConfIndex = core.log.lastIndex();
  enter(core, RaftState.leader);
}
