import {
  type ConfChange,
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
  NO_BYTES,
  NO_NODE,
} from "../raft/types.js";
import type { EtcdError } from "./etcd-errors.js";
import { type MemberChange, readConfChange } from "./member-change.js";
import { decodeMember } from "./member-message.js";
import type { Membership } from "./membership.js";
import type { Outcome } from "./outcome.js";
import type { StateParts } from "./parts.js";
import { malformed, refuse } from "./refusal.js";

/** What is left of a change that is struck out. */
const NOTHING: ConfChange = {
  transition: ConfChangeTransition.auto,
  changes: [{ type: ConfChangeType.addNode, nodeId: NO_NODE }],
  context: NO_BYTES,
};

/** Carries out a command by which a member publishes itself, or is moved. */
export function updateMember(
  { mvcc, membership }: StateParts,
  how: "publish" | "move",
  body: Uint8Array,
): Outcome {
  const decoded = decodeMember(body);
  if (typeof decoded === "string") return refuse(mvcc, malformed(decoded));
  const record = membership[how](decoded.attributes);
  if ("code" in record) return refuse(mvcc, record);
  mvcc.freshRecords.push(record);
  return { kind: "member", revision: mvcc.revision };
}

function checked(membership: Membership, change: ConfChange): MemberChange | EtcdError {
  const read = readConfChange(change);
  if (typeof read === "string") return malformed(read);
  return membership.refusal(read) ?? read;
}

/**
 * Applies a change of raft's configuration; `reconfigure` puts into effect what is left of it
 * and gives the new configuration. A change that must not be made is struck out, so that
 * state and raft always agree on the members (etcd `server/etcdserver/server.go`,
 * applyConfChange). One that carries no command, by which a joint configuration is left, is
 * made as it is.
 */
export function applyConfChange(
  { mvcc, membership }: StateParts,
  change: ConfChange,
  reconfigure: (change: ConfChange) => ConfState,
): Outcome {
  if (change.context.length === 0) {
    mvcc.freshRecords.push(...membership.reconfigure(reconfigure(change)));
    return { kind: "none", revision: mvcc.revision };
  }
  const allowed = checked(membership, change);
  if ("code" in allowed) {
    reconfigure(NOTHING);
    return refuse(mvcc, allowed);
  }
  const added = allowed.kind === "add" ? allowed.member : undefined;
  mvcc.freshRecords.push(...membership.reconfigure(reconfigure(change), added));
  return { kind: "member", revision: mvcc.revision };
}
