import { AtollError, type Code } from "../../shared/errors.js";

/** An error of etcd's API: clients match both the code and the text. */
export interface EtcdError {
  readonly code: Code;
  readonly message: string;
}

/**
 * etcd's errors by the name they have there without its prefix; codes and texts are
 * those of `api/v3rpc/rpctypes/error.go`.
 */
export const ETCD_ERRORS = {
  emptyKey: { code: "INVALID_ARGUMENT", message: "etcdserver: key is not provided" },
  keyNotFound: { code: "INVALID_ARGUMENT", message: "etcdserver: key not found" },
  valueProvided: { code: "INVALID_ARGUMENT", message: "etcdserver: value is provided" },
  leaseProvided: { code: "INVALID_ARGUMENT", message: "etcdserver: lease is provided" },
  tooManyOps: {
    code: "INVALID_ARGUMENT",
    message: "etcdserver: too many operations in txn request",
  },
  duplicateKey: {
    code: "INVALID_ARGUMENT",
    message: "etcdserver: duplicate key given in txn request",
  },
  invalidSortOption: { code: "INVALID_ARGUMENT", message: "etcdserver: invalid sort option" },
  compacted: {
    code: "OUT_OF_RANGE",
    message: "etcdserver: mvcc: required revision has been compacted",
  },
  futureRevision: {
    code: "OUT_OF_RANGE",
    message: "etcdserver: mvcc: required revision is a future revision",
  },
  noSpace: {
    code: "RESOURCE_EXHAUSTED",
    message: "etcdserver: mvcc: database space exceeded",
  },
  leaseNotFound: { code: "NOT_FOUND", message: "etcdserver: requested lease not found" },
  leaseExists: { code: "FAILED_PRECONDITION", message: "etcdserver: lease already exists" },
  leaseTtlTooLarge: { code: "OUT_OF_RANGE", message: "etcdserver: too large lease TTL" },
  watchCanceled: { code: "CANCELLED", message: "etcdserver: watch canceled" },
  memberExists: { code: "FAILED_PRECONDITION", message: "etcdserver: member ID already exist" },
  peerUrlExists: { code: "FAILED_PRECONDITION", message: "etcdserver: Peer URLs already exists" },
  memberNotEnoughStarted: {
    code: "FAILED_PRECONDITION",
    message: "etcdserver: re-configuration failed due to not enough started members",
  },
  memberBadUrls: {
    code: "INVALID_ARGUMENT",
    message: "etcdserver: given member URLs are invalid",
  },
  memberNotLearner: {
    code: "FAILED_PRECONDITION",
    message: "etcdserver: can only promote a learner member",
  },
  learnerNotReady: {
    code: "FAILED_PRECONDITION",
    message: "etcdserver: can only promote a learner member which is in sync with leader",
  },
  tooManyLearners: {
    code: "FAILED_PRECONDITION",
    message: "etcdserver: too many learner members in cluster",
  },
  notSupportedForLearner: {
    code: "UNAVAILABLE",
    message: "etcdserver: rpc not supported for learner",
  },
  badLeaderTransferee: {
    code: "FAILED_PRECONDITION",
    message: "etcdserver: bad leader transferee",
  },
  timeoutLeaderTransfer: {
    code: "UNAVAILABLE",
    message: "etcdserver: request timed out, leader transfer took too long",
  },
  memberNotFound: { code: "NOT_FOUND", message: "etcdserver: member not found" },
  requestTooLarge: { code: "INVALID_ARGUMENT", message: "etcdserver: request is too large" },
  tooManyRequests: { code: "RESOURCE_EXHAUSTED", message: "etcdserver: too many requests" },
  noLeader: { code: "UNAVAILABLE", message: "etcdserver: no leader" },
  notLeader: { code: "FAILED_PRECONDITION", message: "etcdserver: not leader" },
  leaderChanged: { code: "UNAVAILABLE", message: "etcdserver: leader changed" },
  stopped: { code: "UNAVAILABLE", message: "etcdserver: server stopped" },
  timeout: { code: "UNAVAILABLE", message: "etcdserver: request timed out" },
  timeoutLeaderFail: {
    code: "UNAVAILABLE",
    message: "etcdserver: request timed out, possibly due to previous leader failure",
  },
  timeoutConnectionLost: {
    code: "UNAVAILABLE",
    message: "etcdserver: request timed out, possibly due to connection lost",
  },
  unhealthy: { code: "UNAVAILABLE", message: "etcdserver: unhealthy cluster" },
  corrupt: { code: "DATA_LOSS", message: "etcdserver: corrupt cluster" },
} as const satisfies Record<string, EtcdError>;

/** The error as an exception, for code that answers a call. */
export function etcdError(error: EtcdError): AtollError {
  return new AtollError(error.code, error.message);
}
