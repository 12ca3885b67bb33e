import { randomInt } from "node:crypto";
import {
  ELECTION_TICKS,
  MAX_APPEND_BYTES,
  MAX_APPEND_BYTES_IN_FLIGHT,
  MAX_APPENDS_IN_FLIGHT,
  MAX_UNCOMMITTED_BYTES,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { DurableLog } from "../log/durable-log.js";
import { RawNode, type TraceEvent } from "../raft/index.js";
import type { MemberTuning } from "./tuning.js";

/** What a member's raft node starts from. */
export interface RaftNodeOptions {
  readonly self: number;
  readonly log: DurableLog;
  /** Index through which the state is applied. */
  readonly applied: number;
  readonly tuning: MemberTuning;
  readonly logger: Logger;
}

function traceTo(logger: Logger): (event: TraceEvent) => void {
  return (event) => {
    if (event.kind === "quorum-lost") logger.warn({ term: event.term }, "quorum lost");
    else logger.debug(event, "raft");
  };
}

/** The raft node of a member, as members run it. */
export function makeRaftNode({ self, log, applied, tuning, logger }: RaftNodeOptions): RawNode {
  return new RawNode({
    id: self,
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: 1,
    storage: log,
    applied,
    asyncStorageWrites: true,
    maxSizePerMessage: MAX_APPEND_BYTES,
    maxUncommittedSize: MAX_UNCOMMITTED_BYTES,
    maxInflightMessages: MAX_APPENDS_IN_FLIGHT,
    maxInflightBytes: MAX_APPEND_BYTES_IN_FLIGHT,
    checkQuorum: true,
    preVote: true,
    readOnly: tuning.reads,
    // Any member's reads may be by lease, now or after its next restart.
    honourLeases: true,
    priority: tuning.priority,
    disableProposalForwarding: true,
    stepDownOnRemoval: true,
    random: (n) => randomInt(n),
    trace: traceTo(logger),
  });
}
