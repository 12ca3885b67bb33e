import type { LeaseCheckpointItem } from "./lessor.js";

/** Body of a leaseExpire command: the leader of `term` found these leases expired. */
export declare function encodeExpiry(term: number, ids: readonly bigint[]): Uint8Array;

/** Body of a leaseCheckpoint command made by the leader of `term`. */
export declare function encodeCheckpoint(
  term: number,
  items: readonly LeaseCheckpointItem[],
): Uint8Array;
