import { HANDOVER_LIMIT_MS, REQUEST_TIMEOUT_MS } from "../../shared/limits.js";
import { NO_NODE } from "../raft/index.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import type { MemberEngine } from "./engine.js";
import { successorOf } from "./successor.js";

/** Pause between two looks at whether leadership has moved. */
const POLL_MS = 5;

/** Asks for leadership to go to `to`; resolves when another member leads, or after the limit. */
async function transfer(
  { driver, self }: MemberEngine,
  to: number,
  limitMs: number,
): Promise<void> {
  driver.feed((raft) => raft.transferLeader(to));
  const endMs = performance.now() + limitMs;
  const isOver = (): boolean => driver.lead === to || ![self, NO_NODE].includes(driver.lead);
  while (!isOver() && performance.now() < endMs && !driver.isStopped) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Moves leadership, which this member must have, to a voter; see RegionalNode.moveLeader. */
export async function moveLeader(engine: MemberEngine, to: number): Promise<void> {
  const { driver, self, applier } = engine;
  if (driver.lead !== self) throw etcdError(ETCD_ERRORS.notLeader);
  if (!applier.state.applied.confState.voters.includes(to)) {
    throw etcdError(ETCD_ERRORS.badLeaderTransferee);
  }
  await transfer(engine, to, REQUEST_TIMEOUT_MS);
  if (driver.lead !== to) throw etcdError(ETCD_ERRORS.timeoutLeaderTransfer);
}

/** Before a stop: hands leadership over, where this member has it and somebody can take it. */
export async function handOver(engine: MemberEngine): Promise<void> {
  const { driver, self, transport } = engine;
  if (driver.lead !== self || driver.isStopped) return;
  const to = successorOf(engine.raftStatus(), (id) => transport.isReady(id));
  if (to !== undefined) await transfer(engine, to, HANDOVER_LIMIT_MS);
}
