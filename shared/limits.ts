/**
 * Every bound of Atoll by name, with its unit in the name's last word or its
 * comment. Queues, buffers, batches, retries and messages have no other bounds.
 */

/** Largest request that a member accepts; etcd's default of 1.5 MiB. */
export const MAX_REQUEST_BYTES = 1_572_864;
/** Largest message that a client of ours accepts in one answer. */
export const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
/** What gRPC framing may add to a request of the largest allowed size. */
export const GRPC_OVERHEAD_BYTES = 512 * 1024;
/** Operations in one transaction's longest branch; etcd's default. */
export const MAX_TXN_OPS = 128;
/** Concurrent HTTP/2 streams that one connection may hold open. */
export const MAX_CONCURRENT_STREAMS = 4096;
/** Time that a server gives open calls when it stops. */
export const SHUTDOWN_GRACE_MS = 2_000;
/** Deadline of a unary call of ours that names none. */
export const DEFAULT_CALL_TIMEOUT_MS = 5_000;
