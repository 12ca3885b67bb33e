import type { Core } from "./core.js";
import { MessageType } from "./message.js";
import type { Progress } from "./progress.js";
import { encodeRound } from "./reads.js";
import { payloadsSize } from "./size.js";
import { type Entry } from "./types.js";

function sendSnapshot(core: Core, node: Progress): boolean {
  // A node that doesn't answer would only keep a snapshot waiting.
  if (!node.recentActive) return false;
  const snapshot = core.log.snapshot();
  if (snapshot === undefined || snapshot.metadata.index === 0) return false;
  node.becomeSnapshot(snapshot.metadata.index);
  core.send({ type: MessageType.snap, to: node.id, snapshot });
  core.config.trace?.({ kind: "snapshot-sent", to: node.id, index: snapshot.metadata.index });
  return true;
}

/**
 * Sends the next append to a node if flow control allows; a snapshot if the entries it needs
 * are gone. `sendIfEmpty`: an append without entries, which tells the commit index, is
 * worth sending. True if something was sent.
 */
export function maybeSendAppend(core: Core, node: Progress, sendIfEmpty: boolean): boolean {
  if (node.isPaused()) return false;
  const log = core.log;
  const before = node.next - 1;
  const beforeTerm = log.term(before);
  if (beforeTerm === undefined) return sendSnapshot(core, node);
  // To a node whose window is full only empty appends go: were all appends of the window
  // lost, its refusal of an empty one is what gets replication going again.
  const entries =
    node.state === "replicate" && node.inflights.full()
      ? []
      : log.entriesFrom(node.next, core.config.maxSizePerMessage);
  if (entries === undefined) return sendSnapshot(core, node);
  if (entries.length === 0 && !sendIfEmpty) return false;
  core.send({
    type: MessageType.app,
    to: node.id,
    index: before,
    logTerm: beforeTerm,
    commit: log.committed,
    entries,
  });
  node.sentEntries(entries.length, payloadsSize(entries));
  node.sentCommit = log.committed;
  return true;
}

/** Sends to all others what they lack, or just the commit index. */
export function broadcastAppend(core: Core): void {
  for (const node of core.tracker.nodes) {
    if (node.id !== core.id) maybeSendAppend(core, node, true);
  }
}

/** Sends a heartbeat to all others; `round` is the read round it asks to confirm, 0 for none. */
export function broadcastHeartbeat(core: Core, round: number): void {
  const context = round === 0 ? null : encodeRound(round);
  const priority = core.succession.best;
  for (const node of core.tracker.nodes) {
    if (node.id === core.id) continue;
    // Never past what the node is known to have: it may hold other entries there.
    const commit = Math.min(node.match, core.log.committed);
    core.send({ type: MessageType.heartbeat, to: node.id, commit, context, priority });
    node.sentCommit = commit;
  }
}

/**
 * Appends entries (of this term, right after the end) to the leader's own log. Its own
 * acknowledgement comes back when they are durable. False: refused, because too much is
 * uncommitted; an empty tail takes anything, and empty payloads are always taken.
 */
export function appendOwn(core: Core, entries: readonly Entry[]): boolean {
  const size = payloadsSize(entries);
  const limit = core.config.maxUncommittedSize;
  if (core.uncommittedSize > 0 && size > 0 && core.uncommittedSize + size > limit) return false;
  core.uncommittedSize += size;
  core.log.append(entries);
  core.send({ type: MessageType.appResp, to: core.id, index: core.log.lastIndex() });
  return true;
}

/** Commits what a quorum has; true if the commit index rose (then tell the others). */
export function maybeCommit(core: Core): boolean {
  return core.log.maybeCommit(core.tracker.committedIndex(), core.term);
}
