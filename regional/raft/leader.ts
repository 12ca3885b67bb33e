import type { Core } from "./core.js";
import { type Message, MessageType } from "./message.js";
import type { StepOutcome } from "./outcome.js";
import type { Progress } from "./progress.js";
import { handleProposal } from "./proposing.js";
import { ackRound, beat, releaseEarlyReads, requestRead } from "./read-index.js";
import { broadcastAppend, maybeCommit, maybeSendAppend } from "./replication.js";
import { becomeFollower } from "./roles.js";
import { handleTransfer, sendTimeoutNow } from "./transfer.js";
import { NO_NODE, RaftState } from "./types.js";

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
  node.priority = message.priority;
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
    const { id, config, log } = core;
    const self = { id, priority: config.priority, committed: log.committed };
    const better = core.succession.review(core.tracker.nodes, self);
    if (config.checkQuorum) checkQuorum(core);
    core.leadTransferee = NO_NODE;
    if (better !== undefined && core.state === RaftState.leader) handleTransfer(core, better);
  }
  if (core.state === RaftState.leader && core.heartbeatElapsed >= core.config.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    beat(core);
  }
}
