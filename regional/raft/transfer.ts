import type { Core } from "./core.js";
import { MessageType } from "./message.js";
import type { Progress } from "./progress.js";
import { maybeSendAppend } from "./replication.js";

/** Tells a node whose log is complete to campaign at once. */
export function sendTimeoutNow(core: Core, to: number): void {
  core.leaseBroken = true;
  core.send({ type: MessageType.timeoutNow, to });
}

/** Begins to hand leadership over to a voter (dissertation §3.10). */
export function handleTransfer(core: Core, node: Progress): void {
  if (node.isLearner || node.id === core.leadTransferee || node.id === core.id) return;
  // It has one election timeout; tick() gives it up after that.
  core.electionElapsed = 0;
  core.leadTransferee = node.id;
  if (node.match === core.log.lastIndex()) sendTimeoutNow(core, node.id);
  else maybeSendAppend(core, node, true);
}
