import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
} from "../raft/types.js";
import { COMMAND_HEADER_BYTES, CommandKind, commandKind } from "./command.js";
import { decodeMember, type MemberAttributes } from "./member-message.js";

/** A change of who belongs to the group. */
export interface MemberChange {
  readonly kind: "add" | "remove" | "promote";
  /** Whom it is about; only `add` tells more than the id. */
  readonly member: MemberAttributes;
  readonly isLearner: boolean;
}

const KINDS: ReadonlyMap<number, MemberChange["kind"]> = new Map([
  [CommandKind.memberAdd, "add"],
  [CommandKind.memberRemove, "remove"],
  [CommandKind.memberPromote, "promote"],
]);

/** Whether a command takes effect only as the context of a change of raft's configuration. */
export function changesMembers(command: Uint8Array): boolean {
  return KINDS.has(commandKind(command));
}

/** The change in a command; a text that says what is wrong when it holds none. */
export function decodeMemberChange(command: Uint8Array): MemberChange | string {
  const kind = KINDS.get(commandKind(command));
  if (kind === undefined) return "it doesn't change the members";
  const decoded = decodeMember(command.subarray(COMMAND_HEADER_BYTES));
  if (typeof decoded === "string") return decoded;
  return { kind, member: decoded.attributes, isLearner: decoded.isLearner };
}

function singleOf({ kind, member, isLearner }: MemberChange): ConfChangeSingle {
  const { addNode, addLearnerNode, removeNode } = ConfChangeType;
  if (kind === "remove") return { type: removeNode, nodeId: member.id };
  return { type: kind === "add" && isLearner ? addLearnerNode : addNode, nodeId: member.id };
}

/** The change of raft's configuration that carries the command. */
export function confChangeOf(change: MemberChange, command: Uint8Array): ConfChange {
  return {
    transition: ConfChangeTransition.auto,
    changes: [singleOf(change)],
    context: command,
  };
}

/** The opposite; a text that says what is wrong when context and change don't go together. */
export function readConfChange({ changes, context }: ConfChange): MemberChange | string {
  const change = decodeMemberChange(context);
  if (typeof change === "string") return change;
  const expected = singleOf(change);
  const [single] = changes;
  const isSame = single?.type === expected.type && single.nodeId === expected.nodeId;
  return changes.length === 1 && isSame ? change : "it differs from the configuration's change";
}
