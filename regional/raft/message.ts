import { type Entry, type HardState, NO_ENTRIES, NO_NODE, type Snapshot } from "./types.js";

/** Message types; the numbers are those of etcd-io/raft's `raftpb.MessageType`. */
export const MessageType = {
  hup: 0,
  beat: 1,
  prop: 2,
  app: 3,
  appResp: 4,
  vote: 5,
  voteResp: 6,
  snap: 7,
  heartbeat: 8,
  heartbeatResp: 9,
  unreachable: 10,
  snapStatus: 11,
  checkQuorum: 12,
  transferLeader: 13,
  timeoutNow: 14,
  readIndex: 15,
  readIndexResp: 16,
  preVote: 17,
  preVoteResp: 18,
  storageAppend: 19,
  storageAppendResp: 20,
  storageApply: 21,
  storageApplyResp: 22,
  forgetLeader: 23,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/**
 * A message between nodes, or between a node and its storage threads.
 *
 * Every field is always there (one hidden class for the engine). Which ones mean
 * something depends on the type:
 *
 * | type | fields |
 * |---|---|
 * | app | index/logTerm: position before `entries`; commit |
 * | appResp | index: acknowledged or (reject) refused index; rejectHint/logTerm: where to probe |
 * | vote, preVote | index/logTerm: the candidate's last entry; context: CAMPAIGN_TRANSFER or null |
 * | voteResp, preVoteResp | reject; commit/logTerm: a committed entry (see commitHint) |
 * | snap | snapshot |
 * | heartbeat | commit; context: the read round being confirmed; priority: the best successor's |
 * | heartbeatResp | context; priority: the sender's own |
 * | prop | entries (term and index not yet set) |
 * | readIndex, readIndexResp | context: the asker's bytes; index: the read index (response) |
 * | transferLeader | from: the node to transfer to |
 * | storageAppend | entries, hardState, snapshot: to be made durable together; responses |
 * | storageAppendResp | index/logTerm: last entry now durable (0: none); snapshot |
 * | storageApply | entries: to be applied; responses |
 * | storageApplyResp | entries: now applied |
 */
export interface Message {
  readonly type: MessageType;
  readonly to: number;
  readonly from: number;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly commit: number;
  readonly entries: readonly Entry[];
  readonly reject: boolean;
  readonly rejectHint: number;
  /** Heartbeats and their answers only: see priority.ts. */
  readonly priority: number;
  readonly context: Uint8Array | null;
  readonly snapshot: Snapshot | null;
  /** storageAppend only: the hard state to be made durable, null if unchanged. */
  readonly hardState: HardState | null;
  /** Storage messages only: messages to be delivered when the work is done. */
  readonly responses: readonly Message[];
}

/** Shared empty value, so that nothing is allocated for it. */
export const NO_MESSAGES: readonly Message[] = [];

/**
 * Builds a message, filling what is not given with empty values.
 * `type` and `to` are required; `from` and `term` are stamped by the core when it sends.
 */
export function makeMessage(
  fields: Partial<Message> & { readonly type: MessageType; readonly to: number },
): Message {
  return {
    type: fields.type,
    to: fields.to,
    from: fields.from ?? NO_NODE,
    term: fields.term ?? 0,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    commit: fields.commit ?? 0,
    entries: fields.entries ?? NO_ENTRIES,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    priority: fields.priority ?? 0,
    context: fields.context ?? null,
    snapshot: fields.snapshot ?? null,
    hardState: fields.hardState ?? null,
    responses: fields.responses ?? NO_MESSAGES,
  };
}

/** Types that never travel between nodes. */
export function isLocal(type: MessageType): boolean {
  switch (type) {
    case MessageType.hup:
    case MessageType.beat:
    case MessageType.unreachable:
    case MessageType.snapStatus:
    case MessageType.checkQuorum:
    case MessageType.forgetLeader:
    case MessageType.storageAppend:
    case MessageType.storageAppendResp:
    case MessageType.storageApply:
    case MessageType.storageApplyResp:
      return true;
    default:
      return false;
  }
}

/** Answers, which make sense from members only. */
export function isAnswer(type: MessageType): boolean {
  switch (type) {
    case MessageType.appResp:
    case MessageType.voteResp:
    case MessageType.preVoteResp:
    case MessageType.heartbeatResp:
    case MessageType.readIndexResp:
      return true;
    default:
      return false;
  }
}
