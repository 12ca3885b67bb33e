import type { Core } from "./core.js";
import { type Message, MessageType } from "./message.js";
import { decodeRound } from "./reads.js";
import { broadcastHeartbeat } from "./replication.js";
import { NO_BYTES, NO_NODE } from "./types.js";

function answer(core: Core, request: Message, index: number): void {
  if (request.from === NO_NODE || request.from === core.id) {
    core.readStates.push({ index, context: request.context ?? NO_BYTES });
    return;
  }
  core.send({
    type: MessageType.readIndexResp,
    to: request.from,
    index,
    context: request.context,
  });
}

/** Answers the reads of all rounds that a quorum has answered by now. */
function confirmRounds(core: Core): void {
  const round = core.tracker.quorumOf(core.reads);
  for (const read of core.reads.confirm(round)) answer(core, read.request, read.index);
}

function takeRead(core: Core, request: Message): void {
  if (core.holdsLease()) {
    answer(core, request, core.log.committed);
    return;
  }
  let round = core.reads.open;
  if (round === 0) {
    round = core.reads.begin(core.id, core.ticks);
    broadcastHeartbeat(core, round);
  }
  core.reads.add(request, core.log.committed, round);
  confirmRounds(core);
}

/** A leader takes a request to read; before its term's first commit it has to wait. */
export function requestRead(core: Core, request: Message): void {
  if (core.committedInTerm()) takeRead(core, request);
  else core.earlyReads.push(request);
}

/** The commit index rose: requests that waited for it begin their round now. */
export function releaseEarlyReads(core: Core): void {
  if (core.earlyReads.length === 0 || !core.committedInTerm()) return;
  const requests = core.earlyReads;
  core.earlyReads = [];
  for (const request of requests) takeRead(core, request);
}

/** A heartbeat was answered. */
export function ackRound(core: Core, from: number, context: Uint8Array | null): void {
  const round = decodeRound(context);
  if (round === 0) return;
  core.reads.ack(from, round);
  confirmRounds(core);
}

/**
 * The regular heartbeat. It asks again for rounds that reads still wait for; with leases,
 * each one is a round of its own, which renews the lease.
 */
export function beat(core: Core): void {
  const leases = core.config.readOnly === "leaseBased";
  broadcastHeartbeat(core, leases ? core.reads.begin(core.id, core.ticks) : core.reads.waiting);
  if (leases) confirmRounds(core);
}
