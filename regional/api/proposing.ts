import { MAX_REQUEST_BYTES } from "../../shared/limits.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { RegionalNode } from "../node.js";
import type { CommandKind } from "../store/command.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import type { Outcome } from "../store/outcome.js";

/** The metadata by which a client says that it won't be served by a member without a leader. */
export const REQUIRE_LEADER = "hasleader";

/** Whether a call carries that metadata. */
export function wantsLeader(context: CallContext): boolean {
  return context.header(REQUIRE_LEADER) === "true";
}

/**
 * Throws "etcdserver: rpc not supported for learner" on a learner, unless a learner serves such
 * a call, and "etcdserver: no leader" when none is known and the caller wants one (etcd
 * `server/etcdserver/api/v3rpc/interceptor.go`).
 */
export function admit(node: RegionalNode, context: CallContext, learnerServes = false): void {
  if (node.isLearner && !learnerServes) throw etcdError(ETCD_ERRORS.notSupportedForLearner);
  if (!node.hasLeader && wantsLeader(context)) throw etcdError(ETCD_ERRORS.noLeader);
}

/**
 * Throws "etcdserver: mvcc: database space exceeded" while disks have too little room for what
 * makes the data grow (etcd `server/etcdserver/apply/apply_auth.go`, applierV3Capped).
 */
export function requireRoom(node: RegionalNode): void {
  if (node.lacksRoom) throw etcdError(ETCD_ERRORS.noSpace);
}

/** Proposes a request as the bytes that it came in. Throws when they are too many. */
export function proposeRaw(
  node: RegionalNode,
  kind: CommandKind,
  { bytes }: CallContext,
): Promise<Outcome> {
  if (bytes.length > MAX_REQUEST_BYTES) throw etcdError(ETCD_ERRORS.requestTooLarge);
  return node.propose(kind, bytes);
}
