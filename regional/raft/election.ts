import { type Core, NOT_ORPHANED } from "./core.js";
import { violated } from "./invariant.js";
import { type Message, MessageType } from "./message.js";
import { appendOwn, broadcastAppend } from "./replication.js";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.js";
import { EntryType, NO_BYTES, NO_NODE, RaftState } from "./types.js";

/** Why an election is held: to ask first, for real, or because the leader asked for it. */
export type Campaign = "pre-vote" | "election" | "transfer";

/** Context of vote requests that may disturb a leader's lease: it handed over itself. */
const CAMPAIGN_TRANSFER = Uint8Array.from("CampaignTransfer", (c) => c.charCodeAt(0));

function isTransfer(context: Uint8Array | null): boolean {
  return (
    context !== null &&
    context.length === CAMPAIGN_TRANSFER.length &&
    context.every((byte, i) => byte === CAMPAIGN_TRANSFER[i])
  );
}

/** Scans the entries through `last` that are not applied yet, a page at a time. */
function hasUnappliedConfChange(core: Core, last: number): boolean {
  const { log, config } = core;
  let next = log.applied + 1;
  while (next <= last) {
    const page = log.slice(next, last + 1, config.maxCommittedSizePerReady);
    if (page === undefined) violated(`unapplied entry ${next} was compacted`);
    for (const entry of page) if (entry.type !== EntryType.normal) return true;
    next += page.length;
  }
  return false;
}

function campaign(core: Core, kind: Campaign): void {
  const pre = kind === "pre-vote";
  if (pre) becomePreCandidate(core);
  else becomeCandidate(core);
  const term = pre ? core.term + 1 : core.term;
  const index = core.log.lastIndex();
  const logTerm = core.log.lastTerm();
  const context = kind === "transfer" ? CAMPAIGN_TRANSFER : null;
  for (const to of core.tracker.voterIds()) {
    if (to === core.id) {
      // The own vote counts when it is durable, like everyone else's.
      const type = pre ? MessageType.preVoteResp : MessageType.voteResp;
      core.send({ type, to, term });
    } else {
      const type = pre ? MessageType.preVote : MessageType.vote;
      core.send({ type, to, term, index, logTerm, context });
    }
  }
}

/**
 * Campaigns if this node may: not a leader, a voter, and with no committed membership
 * change still to apply (its quorum would not be the right one).
 */
export function hup(core: Core, kind: Campaign): void {
  if (core.state === RaftState.leader || !core.promotable()) return;
  if (hasUnappliedConfChange(core, core.log.committed)) return;
  campaign(core, kind);
}

/** True if nobody else can lead: this is the only voter, and its log makes nobody else one. */
export function isAlone(core: Core): boolean {
  const voters = core.tracker.voterIds();
  if (voters.length !== 1 || voters[0] !== core.id) return false;
  return !hasUnappliedConfChange(core, core.log.lastIndex());
}

/** The election timeout, or the caller, asks for an election. */
export function startElection(core: Core): void {
  hup(core, core.config.preVote ? "pre-vote" : "election");
}

/** True if a vote request must be passed over in silence, without even raising the term. */
export function ignoresVoteRequest(core: Core, request: Message): boolean {
  return core.inLease() && !isTransfer(request.context);
}

/** Answers a vote or pre-vote request of the current or, for a pre-vote, a later term. */
export function handleVoteRequest(core: Core, request: Message): void {
  const pre = request.type === MessageType.preVote;
  const type = pre ? MessageType.preVoteResp : MessageType.voteResp;
  const canVote =
    core.vote === request.from ||
    (core.vote === NO_NODE && core.lead === NO_NODE) ||
    (pre && request.term > core.term);
  // A learner votes too: it may have been made a voter without knowing it yet.
  if (canVote && core.log.isUpToDate(request.index, request.logTerm)) {
    // The answer names the requested term: a pre-candidate doesn't look at older ones.
    core.send({ type, to: request.from, term: request.term });
    if (!pre) {
      core.electionElapsed = 0;
      core.vote = request.from;
    }
  } else {
    core.send({ type, to: request.from, term: core.term, reject: true, ...commitHint(core) });
    // The leader is gone and this log reaches further: this node is the better candidate.
    if (pre && canVote && core.orphanedAt !== NOT_ORPHANED) startElection(core);
  }
}

/**
 * What a node that can't campaign itself adds to its refusal: the last entry that it knows to
 * be committed. Without it a group could be stuck for ever: the commit of a membership change
 * is known to the members which that change removed, they have longer logs than those who
 * stay, and so refuse them their votes under the old membership.
 */
function commitHint(core: Core): { commit?: number; logTerm?: number } {
  const commit = core.log.committed;
  const logTerm = core.promotable() ? undefined : core.log.term(commit);
  return logTerm === undefined ? {} : { commit, logTerm };
}

/**
 * Takes a refusal's hint: that this log's very entry is committed holds in any term. An
 * election under way is given up, since what is committed now may change the membership.
 */
export function takeCommitHint(core: Core, refusal: Message): void {
  const { commit, logTerm } = refusal;
  if (core.state === RaftState.leader || commit <= core.log.committed) return;
  if (!core.log.matchTerm(commit, logTerm)) return;
  core.log.commitTo(commit);
  if (core.state !== RaftState.follower) becomeFollower(core, core.term, NO_NODE);
}

function lead(core: Core): void {
  becomeLeader(core);
  const first = {
    term: core.term,
    index: core.log.lastIndex() + 1,
    type: EntryType.normal,
    data: NO_BYTES,
  };
  appendOwn(core, [first]);
  broadcastAppend(core);
}

/** Counts an answer to this (pre-)candidate's request. */
export function handleVote(core: Core, message: Message): void {
  const result = core.tracker.recordVote(message.from, !message.reject);
  if (result === "pending") return;
  if (result === "lost" || !core.promotable()) becomeFollower(core, core.term, NO_NODE);
  else if (core.state === RaftState.preCandidate) campaign(core, "election");
  // Others may make a majority before the own vote is durable. To lead then would be wrong:
  // after a crash the term would be forgotten, and the same voters would grant it again.
  else if (core.tracker.hasVoteOf(core.id)) lead(core);
}
