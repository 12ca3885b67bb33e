import { type Core, NOT_ORPHANED } from "./core.js";
import { handleVote, hup } from "./election.js";
import { type Message, MessageType } from "./message.js";
import type { StepOutcome } from "./outcome.js";
import { restoreSnapshot } from "./reconfigure.js";
import { becomeFollower } from "./roles.js";
import { NO_BYTES, NO_NODE, RaftState } from "./types.js";

/** Takes an append of the current term's leader. */
function handleAppend(core: Core, message: Message): void {
  const log = core.log;
  const { from: to, index, logTerm, entries } = message;
  if (index < log.committed) {
    core.send({ type: MessageType.appResp, to, index: log.committed });
    return;
  }
  if (!log.matchTerm(index, logTerm)) {
    // The best guess of where the logs agree; see findConflictByTerm.
    const hint = log.findConflictByTerm(Math.min(index, log.lastIndex()), logTerm);
    core.send({
      type: MessageType.appResp,
      to,
      index,
      reject: true,
      rejectHint: hint.index,
      logTerm: hint.term,
    });
    return;
  }
  const last = index + entries.length;
  if (entries.length > 0 && (entries[0]?.index !== index + 1 || entries.at(-1)?.index !== last)) {
    return;
  }
  const conflict = log.findConflict(entries);
  if (conflict > 0) {
    const lastBefore = log.lastIndex();
    log.append(conflict === index + 1 ? entries : entries.slice(conflict - index - 1));
    if (conflict <= lastBefore) {
      core.config.trace?.({ kind: "truncate", from: conflict, last: lastBefore });
    }
  }
  log.commitTo(Math.min(message.commit, last));
  core.send({ type: MessageType.appResp, to, index: last });
}

function handleHeartbeat(core: Core, message: Message): void {
  core.log.commitTo(message.commit);
  core.expectedPriority = message.priority;
  core.send({
    type: MessageType.heartbeatResp,
    to: message.from,
    context: message.context,
    priority: core.config.priority,
  });
}

function handleSnapshot(core: Core, message: Message): void {
  const restored = message.snapshot !== null && restoreSnapshot(core, message.snapshot);
  const index = restored ? core.log.lastIndex() : core.log.committed;
  core.send({ type: MessageType.appResp, to: message.from, index });
}

/** Takes what only a term's leader sends. False: it is something else. */
function handleFromLeader(core: Core, message: Message): boolean {
  switch (message.type) {
    case MessageType.app:
      handleAppend(core, message);
      return true;
    case MessageType.heartbeat:
      handleHeartbeat(core, message);
      return true;
    case MessageType.snap:
      handleSnapshot(core, message);
      return true;
    default:
      return false;
  }
}

function isFromLeader(type: MessageType): boolean {
  return type === MessageType.app || type === MessageType.heartbeat || type === MessageType.snap;
}

/** Passes a request on to the leader in its sender's name, so that the answer goes there. */
function forward(core: Core, message: Message): void {
  const { type, from, entries, context } = message;
  core.send({ type, to: core.lead, from, entries, context });
}

/** What a follower does with a message of its own term. */
export function stepFollower(core: Core, message: Message): StepOutcome {
  if (isFromLeader(message.type)) {
    core.electionElapsed = 0;
    core.lead = message.from;
    core.orphanedAt = NOT_ORPHANED;
    handleFromLeader(core, message);
    return "ok";
  }
  switch (message.type) {
    case MessageType.prop:
      if (core.lead === NO_NODE) return "no-leader";
      if (core.config.disableProposalForwarding) return "forwarding-disabled";
      forward(core, message);
      return "forwarded";
    case MessageType.readIndex:
    case MessageType.transferLeader:
      if (core.lead === NO_NODE) return "no-leader";
      forward(core, message);
      return "forwarded";
    case MessageType.readIndexResp:
      core.readStates.push({ index: message.index, context: message.context ?? NO_BYTES });
      return "ok";
    case MessageType.forgetLeader:
      // With leases the leader relies on not being forgotten.
      if (!core.config.honourLeases) core.lead = NO_NODE;
      return "ok";
    case MessageType.timeoutNow:
      // No pre-vote: the leader itself asked for it.
      hup(core, "transfer");
      return "ok";
    default:
      return "ok";
  }
}

/** What a candidate or pre-candidate does with a message of its own term. */
export function stepCandidate(core: Core, message: Message): StepOutcome {
  if (isFromLeader(message.type)) {
    becomeFollower(core, message.term, message.from);
    handleFromLeader(core, message);
    return "ok";
  }
  const expected =
    core.state === RaftState.preCandidate ? MessageType.preVoteResp : MessageType.voteResp;
  if (message.type === expected) handleVote(core, message);
  return message.type === MessageType.prop || message.type === MessageType.readIndex
    ? "no-leader"
    : "ok";
}
