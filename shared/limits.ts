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

/** Largest frame between members: an append of the largest request, with room. */
export const MAX_PEER_FRAME_BYTES = 16 * 1024 * 1024;
/** Bytes waiting for one slow member; beyond them messages are dropped and raft retries. */
export const MAX_PEER_QUEUE_BYTES = 32 * 1024 * 1024;
/** Inbound connections between members that a member keeps open. */
export const MAX_PEER_CONNECTIONS = 256;
/** Time in which a member that connects must have said who it is. */
export const PEER_HELLO_TIMEOUT_MS = 3_000;
/** Pause between pings of a connection between members. */
export const PEER_PING_INTERVAL_MS = 1_000;
/** A connection between members on which nothing came back for so long is dead. */
export const PEER_SILENCE_LIMIT_MS = 5_000;
/** First and longest pause before a member dials another again. */
export const PEER_RECONNECT_MIN_MS = 50;
export const PEER_RECONNECT_MAX_MS = 1_000;
/** Bytes of one piece of a snapshot on its way to a member. */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;
/** Snapshot bytes that a member sends in a second at most. */
export const SNAPSHOT_RATE_BYTES_PER_SECOND = 64 * 1024 * 1024;
/** A snapshot transfer that makes no progress for so long has failed. */
export const SNAPSHOT_STALL_LIMIT_MS = 15_000;

/** Groups in one region's digest of one summary. */
export const MAX_GROUPS_PER_SECTION = 100_000;
/** Bytes of a group key, a JSON array, as UTF-8. */
export const MAX_GROUP_KEY_BYTES = 1_024;
/** Sections that one region may have, those of deleted summaries included. */
export const MAX_SECTIONS_PER_REGION = 1_024;
/** Regions that a gateway keeps digests of. */
export const MAX_REGIONS = 1_024;
/** Measures of one summary. */
export const MAX_MEASURES_PER_SUMMARY = 64;
/** Expressions that one summary groups by. */
export const MAX_GROUP_BY_EXPRESSIONS = 16;
/** Groups that are gone and still remembered; beyond them a section's floor rises. */
export const MAX_TOMBSTONES_PER_SECTION = 20_000;
/** Incarnations of one counter that a conflict names. */
export const MAX_CONFLICTING_NONCES = 8;
/** Refused frames in a row after which a section is quarantined. */
export const QUARANTINE_AFTER_FAILURES = 3;

/** Bytes of one frame between gateways that its sender aims at. */
export const MESH_FRAME_TARGET_BYTES = 256 * 1024;
/** Bytes of one chunk of a section; a frame holds at least one. */
export const MESH_CHUNK_BYTES = 128 * 1024;
/** Bytes of one frame between gateways that its receiver accepts. */
export const MAX_MESH_FRAME_BYTES = 1024 * 1024;
/** Bytes of one request on a stream between gateways that its server accepts. */
export const MAX_MESH_REQUEST_BYTES = 1024 * 1024;
/** Shortest time between two pushes on one stream between gateways. */
export const MESH_PUSH_INTERVAL_MS = 50;
/** Pause between two pings on a stream between gateways. */
export const MESH_PING_INTERVAL_MS = 250;
/** Pause between two rounds of version vectors and repairs. */
export const MESH_VECTOR_INTERVAL_MS = 1_000;
/** What a live push may still bring needs no repair before this time is over. */
export const MESH_REPAIR_GRACE_MS = 1_000;
/** A link on which nothing came for so long is doubted: a relay is asked meanwhile. */
export const MESH_LINK_SUSPECT_MS = 1_250;
/** A link or stream on which nothing came for so long is ended. */
export const MESH_LINK_DEAD_MS = 5_000;
/** Time in which a gateway that was dialled must have said who it is. */
export const MESH_HELLO_TIMEOUT_MS = 3_000;
/** First and longest pause before a gateway is dialled again. */
export const MESH_RECONNECT_MIN_MS = 100;
export const MESH_RECONNECT_MAX_MS = 5_000;
/** Streams that a gateway serves to other gateways at once. */
export const MAX_MESH_STREAMS = 2_048;
/** Relative drift between two machines' clocks that ages allow for: 500 parts in a million. */
export const CLOCK_DRIFT = 0.0005;
