import {
  APPEND_THREAD,
  APPLY_THREAD,
  ConfChangeType,
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  NO_NODE,
  type ProgressStatus,
  RaftState,
  type ReadState,
  type Ready,
  type Snapshot,
} from "../../../regional/raft/index.js";
import { quote } from "./go-text.js";

/**
 * The core's data as the text that etcd-io/raft's scripts are written in (its `util.go`,
 * `tracker/progress.go`, `raftpb/confchange.go`).
 */

const ENTRY_NAMES: Readonly<Record<EntryType, string>> = {
  [EntryType.normal]: "EntryNormal",
  [EntryType.confChange]: "EntryConfChange",
  [EntryType.confChangeV2]: "EntryConfChangeV2",
};

const CHANGE_LETTERS: Readonly<Record<ConfChangeType, string>> = {
  [ConfChangeType.addNode]: "v",
  [ConfChangeType.addLearnerNode]: "l",
  [ConfChangeType.removeNode]: "r",
  [ConfChangeType.updateNode]: "u",
};

const STATE_NAMES: Readonly<Record<RaftState, string>> = {
  [RaftState.follower]: "StateFollower",
  [RaftState.candidate]: "StateCandidate",
  [RaftState.leader]: "StateLeader",
  [RaftState.preCandidate]: "StatePreCandidate",
};

/** `MsgApp` for `app`: the names of all message types. */
export const MESSAGE_NAMES: ReadonlyMap<MessageType, string> = new Map(
  Object.entries(MessageType).map(([name, type]) => [
    type,
    `Msg${name.charAt(0).toUpperCase()}${name.slice(1)}`,
  ]),
);

/** A role by its name in scripts. */
export function describeRole(state: RaftState): string {
  return STATE_NAMES[state];
}

function describeTarget(id: number): string {
  if (id === NO_NODE) return "None";
  if (id === APPEND_THREAD) return "AppendThread";
  if (id === APPLY_THREAD) return "ApplyThread";
  return id.toString(16);
}

/** `1/12 EntryNormal "data"`; membership changes as `v3 l4 r5`. */
export function describeEntry(entry: Entry): string {
  const content =
    entry.type === EntryType.normal
      ? quote(entry.data)
      : decodeConfChange(entry)
          .changes.map(({ type, nodeId }) => `${CHANGE_LETTERS[type]}${nodeId}`)
          .join(" ");
  const head = `${entry.term}/${entry.index} ${ENTRY_NAMES[entry.type]}`;
  return content === "" ? head : `${head} ${content}`;
}

function describeConfState(conf: ConfState): string {
  const list = (ids: readonly number[]): string => `[${ids.join(" ")}]`;
  return [
    `Voters:${list(conf.voters)}`,
    `VotersOutgoing:${list(conf.votersOutgoing)}`,
    `Learners:${list(conf.learners)}`,
    `LearnersNext:${list(conf.learnersNext)}`,
    `AutoLeave:${conf.autoLeave}`,
  ].join(" ");
}

function describeSnapshot({ metadata }: Snapshot): string {
  const { index, term, confState } = metadata;
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === NO_NODE ? "" : ` Vote:${vote}`} Commit:${commit}`;
}

function describeReadState({ index, context }: ReadState): string {
  return `{${index} [${[...context].join(" ")}]}`;
}

/** What etcd keeps in one message: for an append thread, term, vote and commit to be stored. */
function numbersOf(message: Message): HardState {
  if (message.type === MessageType.storageAppend) {
    return message.hardState ?? { term: 0, vote: NO_NODE, commit: 0 };
  }
  return { term: message.term, vote: NO_NODE, commit: message.commit };
}

/** A message, over several lines if it holds several entries, a snapshot or responses. */
export function describeMessage(message: Message, contexts: boolean, indent = ""): string {
  const { term, vote, commit } = numbersOf(message);
  const { from, to, entries, snapshot, responses, context } = message;
  const type = MESSAGE_NAMES.get(message.type) ?? `type ${message.type}`;
  let text = `${indent}${describeTarget(from)}->${describeTarget(to)} ${type}`;
  text += ` Term:${term} Log:${message.logTerm}/${message.index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (commit !== 0) text += ` Commit:${commit}`;
  if (vote !== NO_NODE) text += ` Vote:${vote}`;
  if (contexts && context !== null && context.length > 0) text += ` Context:${quote(context)}`;
  if (message.priority > 0) text += ` Priority:${message.priority}`;
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    text += ` Entries:[${describeEntry(only)}]`;
  } else if (entries.length > 1) {
    const lines = entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`);
    text += ` Entries:[${lines.join("")}\n${indent}]`;
  }
  if (snapshot !== null && snapshot.metadata.index > 0) {
    text += `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`;
  }
  if (responses.length > 0) {
    const lines = responses.map((one) => `\n${describeMessage(one, contexts, `${indent}  `)}`);
    text += ` Responses:[${lines.join("")}\n${indent}]`;
  }
  return text;
}

/** All that a Ready hands out, the storage threads' work among its messages. */
export function messagesOf(ready: Ready): Message[] {
  const messages = [...ready.messages];
  if (ready.storageAppend !== null) messages.push(ready.storageAppend);
  if (ready.storageApply !== null) messages.push(ready.storageApply);
  return messages;
}

function isEmpty(hardState: HardState): boolean {
  return hardState.term === 0 && hardState.vote === NO_NODE && hardState.commit === 0;
}

/** A Ready, line by line. */
export function describeReady(ready: Ready, contexts: boolean): string[] {
  const lines: string[] = [];
  const { softState, hardState, readStates, snapshot } = ready;
  if (softState !== null) {
    lines.push(`Lead:${softState.lead} State:${describeRole(softState.raftState)}`);
  }
  if (hardState !== null && !isEmpty(hardState)) {
    lines.push(`HardState ${describeHardState(hardState)}`);
  }
  if (readStates.length > 0) {
    lines.push(`ReadStates [${readStates.map(describeReadState).join(" ")}]`);
  }
  if (ready.entries.length > 0) lines.push("Entries:", ...ready.entries.map(describeEntry));
  if (snapshot !== null) lines.push(`Snapshot ${describeSnapshot(snapshot)}`);
  if (ready.committedEntries.length > 0) {
    lines.push("CommittedEntries:", ...ready.committedEntries.map(describeEntry));
  }
  const messages = messagesOf(ready);
  if (messages.length > 0) {
    lines.push("Messages:");
    for (const message of messages) lines.push(...describeMessage(message, contexts).split("\n"));
  }
  if (lines.length === 0) return ["<empty Ready>"];
  return [`Ready MustSync=${ready.mustSync}:`, ...lines];
}

const PROGRESS_NAMES = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
} as const;

/** One node's progress, as `status` and the scripts of membership changes print it. */
export function describeProgress(progress: ProgressStatus): string {
  const { id, state, match, next, inflight } = progress;
  const words = [`${id}: ${PROGRESS_NAMES[state]} match=${match} next=${next}`];
  if (progress.isLearner) words.push("learner");
  if (progress.paused) words.push("paused");
  if (progress.pendingSnapshot > 0) words.push(`pendingSnap=${progress.pendingSnapshot}`);
  if (!progress.recentActive) words.push("inactive");
  if (inflight > 0) words.push(`inflight=${inflight}${progress.inflightFull ? "[full]" : ""}`);
  return words.join(" ");
}
