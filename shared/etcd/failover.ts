import type { AtollError } from "../errors.js";

/**
 * When a failed call may be tried at another endpoint. `read`: it changes nothing,
 * so whenever the failure may be the endpoint's. `write`: only when the endpoint
 * certainly didn't take the request, because it might be done twice.
 */
export type CallKind = "read" | "write";

/** What grpc-js says when a request never left this process. */
const NEVER_SENT = /^(No connection established|Name resolution failed)/;

/** etcd's word, under the code UNKNOWN, for a call whose deadline passed inside it. */
const SERVER_DEADLINE = "context deadline exceeded";

/** Whether a failure says that the endpoint is to be avoided for the next calls. */
export function blamesEndpoint({ code, message }: AtollError): boolean {
  return (
    code === "UNAVAILABLE" ||
    code === "DEADLINE_EXCEEDED" ||
    code === "DATA_LOSS" ||
    (code === "UNKNOWN" && message === SERVER_DEADLINE)
  );
}

/**
 * Whether a failed call may go to the next endpoint. The rule for writes is that
 * of etcd's own client (client/v3/retry.go): UNAVAILABLE, and known not to be taken.
 */
export function mayTryNext(error: AtollError, kind: CallKind): boolean {
  if (kind === "read") return blamesEndpoint(error);
  return error.code === "UNAVAILABLE" && NEVER_SENT.test(error.message);
}

/**
 * Milliseconds for one attempt of a read: an equal share of what is left, so that an
 * endpoint that hangs leaves time for the others. A write has all of it.
 */
export function attemptMs(remainingMs: number, endpointsLeft: number, kind: CallKind): number {
  return kind === "write" ? remainingMs : remainingMs / Math.max(1, endpointsLeft);
}
