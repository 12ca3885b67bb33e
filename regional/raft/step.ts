import type { Core } from "./core.js";
import {
  handleVoteRequest,
  ignoresVoteRequest,
  startElection,
  takeCommitHint,
} from "./election.js";
import { stepCandidate, stepFollower } from "./follower.js";
import { stepLeader, tickLeader } from "./leader.js";
import { type Message, MessageType } from "./message.js";
import { isOrphansTurn } from "./orphan.js";
import type { StepOutcome } from "./outcome.js";
import { handleProposal } from "./proposing.js";
import { becomeFollower } from "./roles.js";
import { entriesSize, payloadsSize } from "./size.js";
import { EntryType, NO_BYTES, NO_NODE, RaftState, type Snapshot } from "./types.js";

/** The entry by which a leader leaves a joint configuration of itself. */
const LEAVE_JOINT = [{ term: 0, index: 0, type: EntryType.confChangeV2, data: NO_BYTES }];

function appliedTo(core: Core, index: number, bytes: number): void {
  core.log.appliedTo(Math.max(index, core.log.applied), bytes);
  if (
    core.tracker.conf.autoLeave &&
    core.log.applied >= core.pendingConfIndex &&
    core.state === RaftState.leader
  ) {
    // It may be dropped while leadership is transferred; tried again with each apply.
    handleProposal(core, LEAVE_JOINT);
  }
}

function snapshotStable(core: Core, snapshot: Snapshot): void {
  core.log.unstable.stableSnapshotTo(snapshot.metadata.index);
  core.appliedConf = snapshot.metadata.confState;
  appliedTo(core, snapshot.metadata.index, 0);
}

/** A message of an earlier term is of no use, but its sender may have to be told. */
function stepOlder(core: Core, message: Message): void {
  const { checkQuorum, preVote } = core.config;
  const { type, from: to } = message;
  if ((checkQuorum || preVote) && (type === MessageType.heartbeat || type === MessageType.app)) {
    // A leader of an earlier term: either the message is late, or this node has raised its
    // term in a partition and, as nobody listens to its vote requests, would never be heard
    // again. The answer, of the later term, makes such a leader step down.
    core.send({ type: MessageType.appResp, to });
  } else if (type === MessageType.preVote) {
    core.send({ type: MessageType.preVoteResp, to, term: core.term, reject: true });
  } else if (type === MessageType.storageAppendResp) {
    // Entries written under an earlier term may since have been replaced here, with the
    // replacement still being written: they don't count as stable (the ABA race described in
    // etcd-io/raft rawnode.go). A write under this term will report them.
    if (message.index !== 0) {
      const { index, term } = message;
      core.config.trace?.({ kind: "stale-append-ack", index, term });
    }
    // A snapshot is committed state, whatever the term.
    if (message.snapshot !== null) snapshotStable(core, message.snapshot);
  }
}

/** Raises the term where a message asks for it. False: the message is to be ignored. */
function stepNewer(core: Core, message: Message): boolean {
  const { type, term, from } = message;
  const asksForVote = type === MessageType.vote || type === MessageType.preVote;
  if (asksForVote && ignoresVoteRequest(core, message)) return false;
  // A pre-vote and its being granted are about a term that may never begin.
  if (type === MessageType.preVote) return true;
  if (type === MessageType.preVoteResp && !message.reject) return true;
  const fromLeader =
    type === MessageType.app || type === MessageType.heartbeat || type === MessageType.snap;
  becomeFollower(core, term, fromLeader ? from : NO_NODE);
  return true;
}

/** Takes in one message, from a peer, from the storage threads or from the node itself. */
export function stepMessage(core: Core, message: Message): StepOutcome {
  const { term, type } = message;
  if (term > core.term) {
    if (!stepNewer(core, message)) return "ok";
  } else if (term !== 0 && term < core.term) {
    stepOlder(core, message);
    return "ok";
  }
  switch (type) {
    case MessageType.hup:
      startElection(core);
      return "ok";
    case MessageType.vote:
    case MessageType.preVote:
      handleVoteRequest(core, message);
      return "ok";
    case MessageType.storageAppendResp:
      if (message.index !== 0) core.log.unstable.stableTo(message.index, message.logTerm);
      if (message.snapshot !== null) snapshotStable(core, message.snapshot);
      return "ok";
    case MessageType.storageApplyResp: {
      const last = message.entries.at(-1);
      if (last === undefined) return "ok";
      appliedTo(core, last.index, entriesSize(message.entries));
      if (core.uncommittedSize > 0) {
        const size = payloadsSize(message.entries);
        core.uncommittedSize = Math.max(0, core.uncommittedSize - size);
      }
      return "ok";
    }
    case MessageType.voteResp:
    case MessageType.preVoteResp:
      if (message.reject) takeCommitHint(core, message);
      break;
    default:
  }
  if (core.state === RaftState.leader) return stepLeader(core, message);
  return core.state === RaftState.follower
    ? stepFollower(core, message)
    : stepCandidate(core, message);
}

/**
 * Time went by for which nobody ticked: leases run out, and nothing else happens. A node that
 * was held up must not believe that its lease was held up too.
 */
export function elapse(core: Core, ticks: number): void {
  core.ticks += ticks;
}

/** One tick of the clock. */
export function tick(core: Core): void {
  core.ticks++;
  if (core.state === RaftState.leader) {
    tickLeader(core);
    return;
  }
  core.electionElapsed++;
  if (!core.promotable()) return;
  if (core.electionElapsed >= core.campaignTicks()) {
    core.electionElapsed = 0;
    // The better one had its time.
    core.expectedPriority = 0;
    startElection(core);
  } else if (isOrphansTurn(core)) {
    startElection(core);
  }
}
