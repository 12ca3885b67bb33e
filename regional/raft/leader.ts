import { decodeConfChange, leavesJoint } from "./conf-change.js";
import type { Core } from "./core.js";
import { changeMembership, isJoint } from "./membership.js";
import type { ProposeOutcome, StepOutcome } from "./outcome.js";
import type { Progress } from "./progress.js";
import { ackRound, beat, releaseEarlyReads, requestRead } from "./read-index.js";
import { appendOwn, broadcastAppend, maybeCommit, maybeSendAppend } from "./replication.js";
import { becomeFollower } from "./roles.js";
import {
  type Entry,
  EntryType,
  type Message,
  MessageType,
  NO_BYTES,
  NO_NODE,
  RaftState,
} from "./types.js";

/** Why a membership change must not enter the log now; "" if it may. */
function confChangeProblem(core: Core, entry: Entry): string {
  if (core.pendingConfIndex > core.log.applied) {
    return `entry ${core.pendingConfIndex} may hold one that is not applied (through ${core.log.applied})`;
  }
  try {
    const change = decodeConfChange(entry);
    const joint = isJoint(core.tracker.conf);
    if (joint && change.changes.length > 0) return "the joint configuration must be left first";
    if (!joint && leavesJoint(change)) return "the configuration is not joint";
    changeMembership(core.tracker.conf, change);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why a leader takes no proposals now; null if it does. */
function proposalProblem(core: Core): ProposeOutcome | null {
  if (core.tracker.get(core.id) === undefined) return "not-member";
  return core.leadTransferee === NO_NODE ? null : "transferring";
}

/** Appends a batch of payloads proposed on this leader itself: the hot path. */
export function appendPayloads(core: Core, datas: readonly Uint8Array[]): ProposeOutcome {
  const problem = proposalProblem(core);
  if (problem !== null) return problem;
  const term = core.term;
  const type = EntryType.normal;
  let index = core.log.lastIndex();
  const entries: Entry[] = [];
  for (const data of datas) entries.push({ term, index: ++index, type, data });
  if (!appendOwn(core, entries)) return "uncommitted-limit";
  broadcastAppend(core);
  return "appended";
}

/**
 * Appends proposals: numbers their entries and replaces a membership change that must not
 * be by an empty entry.
 */
export function handleProposal(core: Core, proposed: readonly Entry[]): ProposeOutcome {
  const problem = proposalProblem(core);
  if (problem !== null) return problem;
  const { term, log, config } = core;
  let index = log.lastIndex();
  let refused = false;
  const entries: Entry[] = [];
  for (const { type, data } of proposed) {
    index++;
    if (type === EntryType.normal) {
      entries.push({ term, index, type, data });
      continue;
    }
    const reason = config.disableConfChangeValidation
      ? ""
      : confChangeProblem(core, { term, index, type, data });
    if (reason === "") {
      core.pendingConfIndex = index;
      entries.push({ term, index, type, data });
    } else {
      refused = true;
      config.trace?.({ kind: "conf-change-refused", reason });
      entries.push({ term, index, type: EntryType.normal, data: NO_BYTES });
    }
  }
  if (!appendOwn(core, entries)) return "uncommitted-limit";
  broadcastAppend(core);
  return refused ? "conf-change-refused" : "appended";
}

/** Steps down if no quorum was heard from since the last check. */
function checkQuorum(core: Core): void {
  if (!core.tracker.quorumActive()) {
    core.config.trace?.({ kind: "quorum-lost", term: core.term });
    becomeFollower(core, core.term, NO_NODE);
  }
  for (const node of core.tracker.nodes) if (node.id !== core.id) node.recentActive = false;
}

function handleRefusal(core: Core, node: Progress, message: Message): void {
  // The follower told where its log may agree; with its term there, whole terms of this log
  // can be skipped.
  const hint =
    message.logTerm > 0
      ? core.log.findConflictByTerm(message.rejectHint, message.logTerm).index
      : message.rejectHint;
  if (!node.backOff(message.index, hint)) return;
  if (node.state === "replicate") node.becomeProbe();
  maybeSendAppend(core, node, true);
}

function sendTimeoutNow(core: Core, to: number): void {
  core.leaseBroken = true;
  core.send({ type: MessageType.timeoutNow, to });
}

function handleAck(core: Core, node: Progress, message: Message): void {
  const index = message.index;
  // A probe that acknowledges nothing new still shows where the logs agree.
  const probed = node.match === index && node.state === "probe";
  if (!node.acknowledge(index) && !probed) return;
  if (node.state === "probe") {
    node.becomeReplicate();
  } else if (node.state === "snapshot") {
    // Whatever snapshot it got: if the log can go on from here, let it.
    if (node.match + 1 >= core.log.firstIndex()) {
      node.becomeProbe();
      node.becomeReplicate();
    }
  } else {
    node.inflights.freeThrough(index);
  }
  if (maybeCommit(core)) {
    releaseEarlyReads(core);
    broadcastAppend(core);
  } else if (node.id !== core.id && node.canBumpCommit(core.log.committed)) {
    maybeSendAppend(core, node, true);
  }
  if (node.id === core.id) return;
  // The window has room again: fill it.
  while (maybeSendAppend(core, node, false));
  if (node.id === core.leadTransferee && node.match === core.log.lastIndex()) {
    sendTimeoutNow(core, node.id);
  }
}

function handleHeartbeatAck(core: Core, node: Progress, message: Message): void {
  node.recentActive = true;
  node.flowPaused = false;
  // Also to a node that has everything but is being probed: its answer ends the probing.
  if (node.match < core.log.lastIndex() || node.state === "probe") {
    maybeSendAppend(core, node, true);
  }
  ackRound(core, node.id, message.context);
}

function handleSnapshotStatus(node: Progress, failed: boolean): void {
  if (node.state !== "snapshot") return;
  if (failed) node.pendingSnapshot = 0;
  node.becomeProbe();
  // Sent: its acknowledgement comes next. Failed: not again before the next heartbeat.
  node.flowPaused = true;
}

function handleTransfer(core: Core, node: Progress): void {
  if (node.isLearner || node.id === core.leadTransferee || node.id === core.id) return;
  // It has one election timeout; tick() gives it up after that.
  core.electionElapsed = 0;
  core.leadTransferee = node.id;
  if (node.match === core.log.lastIndex()) sendTimeoutNow(core, node.id);
  else maybeSendAppend(core, node, true);
}

/** What a leader does with a message of its own term. */
export function stepLeader(core: Core, message: Message): StepOutcome {
  switch (message.type) {
    case MessageType.prop:
      return handleProposal(core, message.entries);
    case MessageType.readIndex:
      requestRead(core, message);
      return "ok";
    default:
  }
  const node = core.tracker.get(message.from);
  if (node === undefined) return "ok";
  switch (message.type) {
    case MessageType.appResp:
      node.recentActive = true;
      if (message.reject) handleRefusal(core, node, message);
      else handleAck(core, node, message);
      break;
    case MessageType.heartbeatResp:
      handleHeartbeatAck(core, node, message);
      break;
    case MessageType.snapStatus:
      handleSnapshotStatus(node, message.reject);
      break;
    case MessageType.unreachable:
      // An append was most likely lost.
      if (node.state === "replicate") node.becomeProbe();
      break;
    case MessageType.transferLeader:
      handleTransfer(core, node);
      break;
    default:
  }
  return "ok";
}

/** A leader's tick: checks the quorum each election timeout, beats each heartbeat timeout. */
export function tickLeader(core: Core): void {
  core.heartbeatElapsed++;
  core.electionElapsed++;
  if (core.electionElapsed >= core.config.electionTicks) {
    core.electionElapsed = 0;
    if (core.config.checkQuorum) checkQuorum(core);
    core.leadTransferee = NO_NODE;
  }
  if (core.state === RaftState.leader && core.heartbeatElapsed >= core.config.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    beat(core);
  }
}
