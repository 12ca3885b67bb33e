import { decodeConfChange, leavesJoint } from "./conf-change.js";
import type { Core } from "./core.js";
import { changeMembership, isJoint } from "./membership.js";
import type { ProposeOutcome } from "./outcome.js";
import { appendOwn, broadcastAppend } from "./replication.js";
import { type Entry, EntryType, NO_BYTES, NO_NODE } from "./types.js";

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
