import type { Core } from "./core.js";
import { violated } from "./invariant.js";
import { type Changed, changeMembership, checkedConfState } from "./membership.js";
import { releaseEarlyReads } from "./read-index.js";
import { broadcastAppend, maybeCommit, maybeSendAppend } from "./replication.js";
import { becomeFollower } from "./roles.js";
import { type ConfChange, type ConfState, NO_NODE, RaftState, type Snapshot } from "./types.js";

function switchTo(core: Core, changed: Changed): void {
  core.tracker.switchTo(changed, core.log.lastIndex());
  const self = core.tracker.get(core.id);
  core.isLearner = self?.isLearner ?? false;
  if (core.state !== RaftState.leader) return;
  if (self === undefined || core.isLearner) {
    if (core.config.stepDownOnRemoval) becomeFollower(core, core.term, NO_NODE);
    return;
  }
  if (changed.conf.voters.length === 0) return;
  if (maybeCommit(core)) {
    // The new quorum is content with less.
    releaseEarlyReads(core);
    broadcastAppend(core);
  } else {
    // New nodes needn't wait for the next heartbeat.
    for (const node of core.tracker.nodes) {
      if (node.id !== core.id) maybeSendAppend(core, node, false);
    }
  }
  if (core.leadTransferee !== NO_NODE && !core.tracker.isVoter(core.leadTransferee)) {
    core.leadTransferee = NO_NODE;
  }
}

/** Makes the membership of a snapshot the active one; the state machine will follow. */
function restoreMembership(core: Core, conf: ConfState): void {
  switchTo(core, { conf: checkedConfState(conf), dropped: new Set() });
}

/** Makes the membership found in storage the active one. */
export function loadMembership(core: Core, conf: ConfState): void {
  restoreMembership(core, conf);
  core.appliedConf = core.tracker.conf;
}

/**
 * Puts a committed membership change into effect. One that a snapshot has overtaken is in
 * effect already, but not in the state machine yet.
 */
export function applyConfChange(core: Core, change: ConfChange, index: number): ConfState {
  if (index <= core.log.restoredThrough) {
    core.appliedConf = changeMembership(core.appliedConf, change).conf;
  } else {
    switchTo(core, changeMembership(core.tracker.conf, change));
    core.appliedConf = core.tracker.conf;
  }
  return core.appliedConf;
}

/**
 * Replaces log and membership by a snapshot. False if the node is better off without: it
 * has committed as much, or its log holds the entry at the snapshot's end (then the log is
 * kept, and that far is committed).
 */
export function restoreSnapshot(core: Core, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.metadata;
  if (index <= core.log.committed) return false;
  if (core.state !== RaftState.follower) violated("a snapshot reached a node that doesn't follow");
  const { voters, learners, votersOutgoing } = confState;
  // Without a place in it this node would not know its own role.
  if (![...voters, ...learners, ...votersOutgoing].includes(core.id)) return false;
  if (core.log.matchTerm(index, term)) {
    core.log.commitTo(index);
    return false;
  }
  core.log.restore(snapshot);
  core.tracker.clear();
  restoreMembership(core, confState);
  core.config.trace?.({ kind: "snapshot-restored", index });
  return true;
}
