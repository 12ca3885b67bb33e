import type { AtollError } from "../errors.js";

/**
 * When a failed call may be tried at another endpoint. `read`: it changes nothing,
 * so whenever the failure may be the endpoint's. `write`: only when the endpoint
 * certainly didn't take the request, because it might be done twice.
 */
export type CallKind = "read" | "write";

/** What grpc-js says when a request never left this process. */
const NEVER_SENT = /^(No connection established|Name resolution failed)/;

/**
 * Whether a failed call may go to the next endpoint. The rule for writes is that
 * of etcd's own client (client/v3/retry.go): UNAVAILABLE, and known not to be taken.
 */
export function mayTryNext(error: AtollError, kind: CallKind): boolean {
  if (error.code === "UNAVAILABLE") return kind === "read" || NEVER_SENT.test(error.message);
  if (kind === "write") return false;
  return error.code === "DEADLINE_EXCEEDED" || error.code === "DATA_LOSS";
}

/** Whether a failure says that the endpoint is to be avoided for the next calls. */
export function blamesEndpoint(error: AtollError): boolean {
  return (
    error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED" || error.code === "DATA_LOSS"
  );
}

/**
 * Milliseconds for one attempt of a read: an equal share of what is left, so that an
 * endpoint that hangs leaves time for the others. A write has all of it.
 */
export function attemptMs(remainingMs: number, endpointsLeft: number, kind: CallKind): number {
  return kind === "write" ? remainingMs : remainingMs / Math.max(1, endpointsLeft);
}
