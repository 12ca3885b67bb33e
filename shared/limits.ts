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
/** Quiet time after which a server asks whether a connection's peer is still there. */
export const SERVER_KEEPALIVE_MS = 30_000;
/** Time that such a peer has to answer. */
export const SERVER_KEEPALIVE_TIMEOUT_MS = 10_000;
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
/** Snapshot bytes that a member sends in a second at most, unless its options say otherwise. */
export const SNAPSHOT_RATE_BYTES_PER_SECOND = 64 * 1024 * 1024;
/** Least such rate: a chunk then takes two seconds and a half. */
export const MIN_SNAPSHOT_RATE_BYTES_PER_SECOND = 100 * 1024;
/** Pause before a snapshot transfer that failed is tried again. */
export const SNAPSHOT_RETRY_MS = 500;
/** An image that nobody has asked for so long, for a transfer to be resumed, is dropped. */
export const SNAPSHOT_KEEP_MS = 300_000;
/** A snapshot transfer that makes no progress for so long has failed. */
export const SNAPSHOT_STALL_LIMIT_MS = 15_000;

/** Groups in one region's digest of one summary. */
export const MAX_GROUPS_PER_SECTION = 100_000;
/** Cells, of all groups together, in one region's digest of one summary. */
export const MAX_CELLS_PER_SECTION = 2_000_000;
/** Bytes of a group key, a JSON array, as UTF-8. */
export const MAX_GROUP_KEY_BYTES = 1_024;
/** Sections that one region may have, those of deleted summaries included. */
export const MAX_SECTIONS_PER_REGION = 1_024;
/** Regions that a gateway keeps digests of. */
export const MAX_REGIONS = 1_024;
/** Measures of one summary. */
export const MAX_MEASURES_PER_SUMMARY = 64;
/** Measures of one summary beside count, sum, min and max: all cells of a group must fit in a frame. */
export const MAX_PACKED_MEASURES = 16;
/** Values that a measure lists at most: a set, or a top. */
export const MAX_LISTED_VALUES = 128;
/** Bytes of one value that a measure shows, with its tag; text as UTF-8. */
export const MAX_VALUE_BYTES = 256;
/** Expressions that one summary groups by. */
export const MAX_GROUP_BY_EXPRESSIONS = 16;
/** Groups that are gone and still remembered; beyond them a section's floor rises. */
export const MAX_TOMBSTONES_PER_SECTION = 20_000;
/** Spans of its past that a holder hasn't seen, by section; beyond them the two oldest are one. */
export const MAX_GAPS_PER_SECTION = 8;
/** Incarnations of one counter that a conflict names. */
export const MAX_CONFLICTING_NONCES = 8;
/** Refused frames in a row after which a section is quarantined. */
export const QUARANTINE_AFTER_FAILURES = 3;

/** Up to so many regions each is fetched from its origin by all others; beyond, by way of trees. */
export const MESH_DIRECT_REGIONS = 64;
/** Regions of a neighbourhood that watch over one origin outside of it: its head, and who helps. */
export const MESH_DEPUTIES = 3;
/** Bytes of one frame between gateways that its sender aims at. */
export const MESH_FRAME_TARGET_BYTES = 256 * 1024;
/** Bytes of one chunk of a section; a frame holds at least one. */
export const MESH_CHUNK_BYTES = 128 * 1024;
/** Bytes of one frame between gateways that its receiver accepts. */
export const MAX_MESH_FRAME_BYTES = 1024 * 1024;
/** Times its length that a deflated frame may become. */
export const MESH_INFLATE_RATIO = 200;
/** Bytes that a deflated frame may become whatever its length. */
export const MESH_INFLATE_FREE_BYTES = 64 * 1024;
/** Shortest time between two pushes on one stream between gateways, and what it may be set to at most. */
export const MESH_PUSH_INTERVAL_MS = 50;
export const MAX_PUSH_INTERVAL_MS = 10_000;
/** Pause between two pings on a stream between gateways. */
export const MESH_PING_INTERVAL_MS = 250;
/** Regions whose standing and age one ping is answered with; of more, some each time in turn. */
export const MESH_PING_STANDINGS = 8;
/** Pause between two rounds of version vectors and repairs. */
export const MESH_VECTOR_INTERVAL_MS = 1_000;
/** How often a peer is told how far its own region is known to have been. */
export const MESH_REMIND_INTERVAL_MS = 10_000;
/** Revisions after what a gateway holds of its region beyond which all of that is read anew. */
export const MAX_REPLAYED_REVISIONS = 100_000;
/** How long a gateway waits for what its peers know of its own region before it reads that itself. */
export const MESH_OWN_PAST_WAIT_MS = 1_000;
/** What a live push may still bring needs no repair before this time is over. */
export const MESH_REPAIR_GRACE_MS = 1_000;
/** A link on which nothing came for so long is doubted: a relay is asked meanwhile. */
export const MESH_LINK_SUSPECT_MS = 1_250;
/** A link or stream on which nothing came for so long is ended. */
export const MESH_LINK_DEAD_MS = 5_000;
/** Pause between two look-ups of a name of gateways, and what it may be set to. */
export const PEER_LOOKUP_INTERVAL_MS = 10_000;
export const MIN_PEER_LOOKUP_INTERVAL_MS = 100;
export const MAX_PEER_LOOKUP_INTERVAL_MS = 3_600_000;
/** Shortest pause between two look-ups of one name when streams to its gateways fail. */
export const PEER_LOOKUP_PAUSE_MS = 1_000;
/** Time after which a DNS server is asked again, and how often each is asked for one answer. */
export const DNS_TIMEOUT_MS = 1_000;
export const DNS_TRIES = 2;
/** Gateways of one name that count; of more, the first in order. */
export const MAX_GATEWAYS_PER_NAME = 64;
/** Time in which a gateway that was dialled must have said who it is. */
export const MESH_HELLO_TIMEOUT_MS = 3_000;
/** First and longest pause before a gateway is dialled again. */
export const MESH_RECONNECT_MIN_MS = 100;
export const MESH_RECONNECT_MAX_MS = 5_000;
/** Time after which an address that led back to the gateway itself is tried again. */
export const MESH_SELF_RETRY_MS = 300_000;
/** Streams that a gateway serves to other gateways at once. */
export const MAX_MESH_STREAMS = 2_048;
/** Shortest time between two pulls of one thing from one gateway. */
export const MESH_PULL_INTERVAL_MS = 500;
/** Bad frames in a row after which a stream between gateways is ended. */
export const MESH_BAD_FRAMES = 10;
/** What a frame costs its receiver at least, and what may come at once, in ms of a second: 400 frames a second, 800 at once. */
export const MESH_FRAME_COST_MS = 2.5;
export const MESH_FRAME_BURST_MS = 2_000;
/** The same of what receivers ask for: 4,000 requests a second, 8,000 at once. */
export const MESH_REQUEST_COST_MS = 0.25;
export const MESH_REQUEST_BURST_MS = 2_000;
/** Pulls in one request. */
export const MAX_PULLS_PER_REQUEST = 1_024;
/** Bad parts of one frame after which the rest of it is given up unread. */
export const MESH_BAD_PARTS = 8;
/** Chunks of sections in one frame. */
export const MAX_CHUNKS_PER_FRAME = 4_096;
/** Regions that a peer may tell of and that are neither listed nor held here. */
export const MAX_HEARSAY_REGIONS = 64;
/** Bytes of what a peer said that is shown in a refusal: a name, and the whole message. */
export const MAX_REFUSED_NAME_BYTES = 128;
export const MAX_REFUSAL_BYTES = 1_024;
/** Pause between two looks at streams, plans and repairs. */
export const MESH_TICK_MS = 100;
/** Sections whose versions a gateway names in one message; others are told later or come whole. */
export const MESH_VECTOR_CLAIMS = 4_000;
/** Bytes of a definition's text in a report that would be too long for a frame with all of it. */
export const MESH_SHORT_TEXT_BYTES = 1_024;
/** Regions on the way of a section from its origin to a gateway. */
export const MAX_MESH_PATH_REGIONS = 16;
/** Relative drift between two machines' clocks that ages allow for: 500 parts in a million. */
export const CLOCK_DRIFT = 0.0005;

/** Time between two ticks of a member's raft clock; a heartbeat is sent at each, as etcd does. */
export const TICK_MS = 100;
/** Ticks without a leader until an election; the actual time is random in [n, 2n). */
export const ELECTION_TICKS = 10;
/** Bytes of entries in one append to a follower, and handed out at once for apply. */
export const MAX_APPEND_BYTES = 1024 * 1024;
/** Appends in flight to one follower, by count and by bytes. */
export const MAX_APPENDS_IN_FLIGHT = 256;
export const MAX_APPEND_BYTES_IN_FLIGHT = 8 * 1024 * 1024;
/** Bytes that a leader holds uncommitted; beyond them it refuses proposals. */
export const MAX_UNCOMMITTED_BYTES = 128 * 1024 * 1024;
/** Proposals of one member that are not applied yet, by count and by bytes. */
export const MAX_PENDING_PROPOSALS = 10_000;
export const MAX_PENDING_PROPOSAL_BYTES = 64 * 1024 * 1024;
/** Time after which a proposal or read fails; etcd's 5 s and two election timeouts. */
export const REQUEST_TIMEOUT_MS = 7_000;
/** Time that a request waits for a leader to be there; an election takes one to two seconds. */
export const NO_LEADER_WAIT_MS = 4_000;
/** Time after which a read round without an answer is begun anew. */
export const READ_RETRY_MS = 500;
/** Time that one turn may spend applying before the network has its turn again. */
export const APPLY_BUDGET_MS = 20;
/** Chunks that one section's transfer may have. */
export const MAX_CHUNKS_PER_TRANSFER = 4_096;
/** Bytes of group keys that a receiver gathers before a transfer is complete. */
export const MAX_TRANSFER_KEY_BYTES = 32 * 1024 * 1024;
/** Bytes of memory, about, that all transfers which a receiver gathers on one stream may take; the largest section alone takes 195 MiB. */
export const MAX_TRANSFER_MEMORY_BYTES = 200 * 1024 * 1024;
/** Bytes of memory, about, that a sender's transfers may take at their receiver, but for the first. */
export const MESH_FLIGHT_MEMORY_BYTES = 64 * 1024 * 1024;
/** Transfers that a receiver gathers at once on one stream, and that a sender has on their way. */
export const MAX_TRANSFERS_IN_PROGRESS = 64;
/** Bytes of a measure's name, and of one expression that groups by. */
export const MAX_MEASURE_NAME_BYTES = 128;
export const MAX_EXPRESSION_BYTES = 4_096;
/** Claims in one attestation or version vector. */
export const MAX_CLAIMS_PER_FRAME = 65_536;
/** Bytes of a signature or of a key's name in a frame. */
export const MAX_SIGNATURE_BYTES = 256;
/** Public keys that are bound to one region, or to the operators. */
export const MAX_KEYS_PER_SIGNER = 16;
/** Attestations, and orders of operators, in one frame. */
export const MAX_ATTESTATIONS_PER_FRAME = 4_096;
/** Bytes of a definition's text, of an error's text, and of one sampled key in a report. */
export const MAX_REPORT_TEXT_BYTES = 65_536;
/** Sampled keys of one summary in a report. */
export const MAX_REPORT_SAMPLES = 100;

/** Bytes of one summary definition. */
export const MAX_DEFINITION_BYTES = 64 * 1024;
/** Definitions that one region may hold; those beyond it, by name, are refused. */
export const MAX_SUMMARIES_PER_REGION = 256;
/** Bytes of the prefix that a summary reads. */
export const MAX_PREFIX_BYTES = 512;
/** UTF-16 units of one CEL expression. */
export const MAX_EXPRESSION_CHARS = 1_024;
/** Levels of one CEL expression's syntax tree. */
export const MAX_EXPRESSION_DEPTH = 64;
/** Bytes of a record's value that a summary reads; larger ones are skipped. */
export const MAX_RECORD_BYTES = 64 * 1024;
/** Levels and values of one record's JSON that an expression may walk. */
export const MAX_RECORD_DEPTH = 32;
export const MAX_RECORD_VALUES = 2_048;
/** Bytes that a gateway's folds may take for what matches, as their rows and values decide. */
export const MAX_FOLD_BYTES_PER_GATEWAY = 512 * 1024 * 1024;
/** Bytes of sketches and listed values in one region's digest of one summary. */
export const MAX_PACKED_BYTES_PER_SECTION = 64 * 1024 * 1024;
/** Skipped keys of a summary that are shown with their reason. */
export const SKIPPED_SAMPLE_KEYS = 16;

/** Bytes of one page of a region's first read that its reader aims at. */
export const SCAN_PAGE_TARGET_BYTES = 4 * 1024 * 1024;
/** Keys of one page of a region's first read: of the first page, and at most. */
export const SCAN_PAGE_FIRST_KEYS = 500;
export const SCAN_PAGE_MAX_KEYS = 20_000;
/** Changes kept while a page is on its way; with more the page is read again. */
export const MAX_SCAN_OVERLAP_EVENTS = 20_000;
/** Changes of a region that are said, and folded, at once; a single revision may have more. */
export const MAX_BATCH_EVENTS = 10_000;
/** Records or changes of a region that are folded in one piece; a single revision may have more. */
export const MAX_SAID_EVENTS = 1_000;
/** Milliseconds after which folding lets the process do something else. */
export const SAY_TURN_MS = 5;
/** Records and changes that wait to be folded; with more reading pauses. */
export const MAX_UNSAID_EVENTS = 20_000;
/** Pages that wait for the watch to come as far; with more reading pauses. */
export const MAX_HELD_PAGES = 8;
/** Pause between two lineage records of a region. */
export const LINEAGE_INTERVAL_MS = 1_000;
/** Pause between two linearizable reads that confirm how fresh a region's fold is. */
export const CONFIRM_INTERVAL_MS = 250;
/** Confirming reads that wait for the watch to come as far. */
export const MAX_PENDING_CONFIRMATIONS = 64;
/** A watch that stays behind confirmed revisions for so long is begun anew elsewhere. */
export const WATCH_STALL_MS = 3_000;
/** Time in which a region must answer the reads that begin a watch. */
export const SOURCE_CONNECT_TIMEOUT_MS = 5_000;
/** First and longest pause before a gateway connects to its region again. */
export const SOURCE_RETRY_MIN_MS = 50;
export const SOURCE_RETRY_MAX_MS = 2_000;
/** A region that can't be read, or not wholly, is logged again after so long. */
export const SOURCE_REMINDER_MS = 30_000;
/** Pause between two log lines on how far a first read is. */
export const FIRST_READ_PROGRESS_MS = 5_000;
/** Time that a page of a region's first read should take; slower ones are made smaller. */
export const SCAN_PAGE_TARGET_MS = 1_000;

/** Bytes of write-ahead log at which the durable log is checkpointed when it is idle. */
export const LOG_IDLE_CHECKPOINT_BYTES = 128 * 1024;
/** Bytes of write-ahead log at which the durable log is checkpointed between two appends. */
export const LOG_CHECKPOINT_BYTES = 1024 * 1024;
/** Quiet time after which the durable log counts as idle. */
export const LOG_IDLE_MS = 2;
/** Bytes of appends that share one transaction of the durable log, its last one excepted. */
export const LOG_TRANSACTION_BYTES = 8 * 1024 * 1024;
/** Bytes of one piece in which the log is read at start. */
export const LOG_LOAD_CHUNK_BYTES = 1024 * 1024;
/** Rows of compacted entries that are deleted from the log in one transaction. */
export const LOG_COMPACTION_ROWS_PER_STEP = 256;
/** Entries that the log keeps for slow followers below what could be cut; etcd's margin. */
export const LOG_MARGIN_ENTRIES = 5_000;
/** Entries that can be cut before the log is cut. */
export const LOG_COMPACTION_STEP_ENTRIES = 1_000;
/** Bytes of entries that the log keeps at most, as far as the state on disk allows. */
export const MAX_LOG_RETAINED_BYTES = 128 * 1024 * 1024;

/** Calls about leases of one member that wait for the leader. */
export const MAX_PENDING_LEASE_CALLS = 10_000;
/** Leases that one entry of the log ends or checkpoints at most. */
export const LEASE_REVOKE_BATCH = 1_000;
/** Confirmations of a region that wait for sections to come up to them. */
export const MAX_CONFIRMATIONS_PER_REGION = 16;
/** Lives of one region that a gateway keeps in mind, to tell what became of a write. */
export const MAX_LIVES_PER_REGION = 64;
/** Age bound up to which a region's part counts as fresh. */
export const FRESH_WITHIN_MS = 3_000;
/** Groups in one answer to Get. */
export const MAX_GROUPS_PER_GET = 10_000;
/** Bytes of cells, about, that one answer to Get or message of a subscription has. */
export const MAX_CELL_BYTES_PER_MESSAGE = 8 * 1024 * 1024;
/** Group keys, regions or summaries that one request may name. */
export const MAX_NAMES_PER_REQUEST = 1_000;
/** Groups in one message of a subscription. */
export const MAX_GROUPS_PER_UPDATE = 1_000;
/**
 * Updates that had to wait are told at multiples of this, to all subscribers at once: so
 * it is also about the shortest time between two updates of one summary to one of them.
 */
export const UPDATE_GRID_MS = 10;
/** Pause between two looks for notices while updates wait for their interval. */
export const NOTICE_PAUSE_MS = 100;
/** Longest one that a subscriber may ask for. */
export const MAX_UPDATE_INTERVAL_MS = 60_000;
/** Pause between two heartbeats of a subscription. */
export const SUBSCRIPTION_HEARTBEAT_MS = 1_000;
/** A subscriber that takes nothing for so long is ended; its token resumes it. */
export const SUBSCRIBER_STALL_MS = 30_000;
/** How long the fan-out to subscribers rests after each beat, in times of what the beat took. */
export const FAN_OUT_REST = 1;
/** Longest such rest. */
export const MAX_FAN_OUT_REST_MS = 100;
/** Old states that the slow ones among subscribers with one question keep in memory. */
export const MAX_SLOW_POSITIONS = 16;
/** Subscriptions that a gateway serves at once. */
export const MAX_SUBSCRIPTIONS = 4_096;
/** Bytes of a resume token that a gateway reads. */
export const MAX_RESUME_TOKEN_BYTES = 256 * 1024;
/** Calls to Wait that a gateway serves at once. */
export const MAX_WAITS = 4_096;
/** Longest time that a call to Wait may ask for. */
export const MAX_WAIT_MS = 600_000;
/** Pause between two looks at what a call to Wait waits for, besides those at changes. */
export const WAIT_LOOK_INTERVAL_MS = 100;
/** Notices that a gateway keeps for subscribers that have not had them yet. */
export const MAX_LOGGED_NOTICES = 1_024;
/** Encoded updates that subscribers of one summary share. */
export const MAX_SHARED_UPDATES = 16;
/** Differences between two of its states that filters of one summary share. */
export const MAX_SHARED_NEWS = 4;
/** Time in which a gateway may catch up with a resume token that is ahead of it. */
export const RESUME_CATCH_UP_MS = 5_000;

/** Time that a client gives one gateway to answer before it asks the next. */
export const CLIENT_ATTEMPT_MS = 2_000;
/** Time without an answer after which a client's call fails, once all gateways were asked. */
export const CLIENT_TIMEOUT_MS = 10_000;
/** Time that a client waits for a contract, unless told. */
export const CLIENT_WAIT_MS = 30_000;
/** By how much a client waits longer for the answer that a wait's time is over. */
export const CLIENT_GRACE_MS = 1_000;
/** A subscription that says nothing for so long is lost; heartbeats come each second. */
export const CLIENT_SILENCE_MS = 5_000;
/** First and longest pause of a client that all gateways have failed. */
export const CLIENT_BACKOFF_MIN_MS = 100;
export const CLIENT_BACKOFF_MAX_MS = 5_000;
/** A gateway that served a subscription for so long ends the pauses. */
export const CLIENT_STEADY_MS = 3_000;

/** Watchers of one Watch call. */
export const MAX_WATCHERS_PER_STREAM = 16_384;
/** Lease renewals of one KeepAlive call that are under way at the same time. */
export const MAX_KEEP_ALIVES_PER_STREAM = 256;
/** Bytes of a stream's answers that wait for the peer before it counts as slow. */
export const STREAM_BUFFER_BYTES = 256 * 1024;
/** Pause between two looks at whether a member's health has changed, for its watchers. */
export const HEALTH_WATCH_INTERVAL_MS = 500;

/** Bytes of records that wait for the state database before the member slows down. */
export const MAX_BACKEND_QUEUE_BYTES = 64 * 1024 * 1024;
/** Bytes of records in one transaction of the state database, its last batch excepted. */
export const BACKEND_TRANSACTION_BYTES = 2 * 1024 * 1024;
/** Time in which records gather before they are written to the state database. */
export const BACKEND_LINGER_MS = 20;
/** Bytes written to the state database after which it is checkpointed. */
export const BACKEND_CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** Longest time between two checkpoints of a state database that is written to. */
export const BACKEND_CHECKPOINT_INTERVAL_MS = 5_000;
/** Bytes of one batch of records that is read at start. */
export const BACKEND_LOAD_BATCH_BYTES = 512 * 1024;
/** Batches of records that are read ahead at start. */
export const BACKEND_LOAD_AHEAD = 4;
/** Ticks between two looks at what is not urgent: log compaction, the disk's health. */
export const TICKS_PER_CHORE = 10;
/** Time in which a health check's read must be answered. */
export const HEALTH_CHECK_TIMEOUT_MS = 2_000;
/** Time in which the other members, too, find that a leader's process has ended. */
export const SUCCESSION_MS = 10;
/** Time for which members must have been connected to count in a change of the membership; etcd's. */
export const MEMBER_HEALTH_MS = 5_000;
/** Time in which some member must describe the cluster to one that joins, and the pause between attempts. */
export const JOIN_TIMEOUT_MS = 10_000;
export const JOIN_RETRY_MS = 200;
/** Learners that a group has at once; etcd's. */
export const MAX_LEARNERS = 1;
/** Time that a stopping leader gives a follower to take over. */
export const HANDOVER_LIMIT_MS = 500;
/** Rows of history that one step of catching up reads for watchers that are behind. */
export const WATCH_CATCH_UP_ROWS = 1_000;
/** Bytes of events in one message to a watcher that allows fragments; etcd's request limit. */
export const WATCH_FRAGMENT_BYTES = 1_572_864;
/** Pause between two rounds of progress notices to watchers that asked for them; etcd's. */
export const PROGRESS_NOTIFY_INTERVAL_MS = 600_000;
/** Longest time that a lease may be granted for; etcd's. */
export const MAX_LEASE_TTL_SECONDS = 9_000_000_000;
/** Bytes of one piece of memory that holds rows of the state. */
export const STORE_SLAB_BYTES = 256 * 1024;
/** Bytes of rows after which a read of history goes on to no further revision. */
export const HISTORY_READ_BYTES = 4 * 1024 * 1024;
/** Rows that one step of clearing up after a compaction looks at. */
export const TIDY_STEP_ROWS = 1_000;
/** A lease that nobody has renewed for so long has its remaining time told to the log. */
export const LEASE_CHECKPOINT_INTERVAL_MS = 60_000;
/** Leases that a new leader lets expire in one second at most; etcd's. */
export const LEASE_EXPIRIES_PER_SECOND = 1_000;
/** Pause before a lease that is due and was not ended by the log is proposed again. */
export const LEASE_EXPIRY_RETRY_MS = 3_000;
/** Pause between two looks whether a region's stream needs help to reach its revision. */
export const SOURCE_NUDGE_INTERVAL_MS = 50;
/** How often a gateway looks whether there is something new to report of its region's summaries. */
export const GATEWAY_REPORT_INTERVAL_MS = 250;
/** Calls, about four a second, after which a summary over its bounds is folded again: first, and at most. */
export const REFUSED_RETRY_FIRST_CALLS = 8;
export const REFUSED_RETRY_MAX_CALLS = 1_200;

/** Entries between two indexes at which members compare their hash chains under load. */
export const AUDIT_CHAIN_ENTRIES = 1_024;
/** Things to be compared that a member keeps the others' hashes of. */
export const MAX_AUDIT_CASES = 256;
/** Keys and bytes of one slice of the key space whose hash members compare. */
export const AUDIT_SLICE_KEYS = 1_000;
export const AUDIT_SLICE_BYTES = 512 * 1024;
/** Leases that members compare each second; of more only the number. */
export const AUDIT_LEASES = 2_000;
/** Pause between two walks over the whole key space, slice by slice. */
export const AUDIT_WALK_PAUSE_MS = 2_000;
/** Slices that wait until this member has applied as much as who asks. */
export const MAX_AUDIT_SLICES_WAITING = 64;
/** Time that members' hashes may differ, without a majority for one, before it is an alarm. */
export const AUDIT_DISPUTE_MS = 3_000;

/** Pause between two tries to write to a full disk. */
export const DISK_FULL_RETRY_MS = 250;
/** Space that is kept free for what makes room again; at most this part of the whole disk. */
export const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
export const DISK_RESERVE_PART = 0.1;
/** Writes are taken again once so many reserves are free. */
export const DISK_RESUME_RESERVES = 1.25;
/** Room that a member holds to give it up on a full disk; at most this part of the whole disk. */
export const SPARE_ROOM_BYTES = 4 * 1024 * 1024;
export const SPARE_ROOM_PART = 0.02;
/** Time after which another member's last report on its disk says nothing any more. */
export const DISK_REPORT_VALID_MS = 3_500;

/** Entries of one unit's change stream in Redis, about: what is older is trimmed. */
export const MIRROR_STREAM_ENTRIES = 1_000;
/** Bytes of groups in one entry of such a stream; larger changes are told without them. */
export const MIRROR_ENTRY_BYTES = 16 * 1024;
/** Changed groups that are written to Redis at once; with more the unit is written whole. */
export const MIRROR_DELTA_GROUPS = 2_000;
/** Groups, and bytes of them, in one command to Redis of a unit that is written whole. */
export const MIRROR_CHUNK_GROUPS = 500;
export const MIRROR_CHUNK_BYTES = 256 * 1024;
/** Bytes of changed groups in one command; with more the unit is written whole. */
export const MIRROR_DELTA_BYTES = 1024 * 1024;
/** Time after which the chunks of a write that was never completed leave Redis. */
export const MIRROR_STAGE_TTL_MS = 120_000;
/** Units that are written to Redis at the same time. */
export const MIRROR_UNITS_IN_FLIGHT = 32;
/** Shortest time between two writes of one unit. */
export const MIRROR_WRITE_INTERVAL_MS = 10;
/** Time that a unit's last writer has to write a change before others look whether it did. */
export const MIRROR_FOLLOW_MS = 100;
/** Pause between two looks at units that are due. */
export const MIRROR_SWEEP_MS = 50;
/** Pause after which versions and freshness of a unit are told again. */
export const MIRROR_REFRESH_MS = 1_000;
/** Such tellings in a second at most; with more units the pause is longer. */
export const MIRROR_REFRESHES_PER_SECOND = 1_000;
/** Pause between two looks at a unit of which Redis lacks something that this gateway can't write. */
export const MIRROR_RECHECK_MS = 250;
/** Time for which such a unit lacks it before this gateway holds other writers back. */
export const MIRROR_CLAIM_MS = 3_000;
/** Time after which a region that no gateway knows any more leaves a merged unit. */
export const MIRROR_ABANDON_MS = 30_000;
/** Time in which Redis must answer a command, and a connection must be made. */
export const MIRROR_COMMAND_TIMEOUT_MS = 5_000;
/** First and longest pause before Redis is connected to, or a failed write is tried, again. */
export const MIRROR_RETRY_MIN_MS = 100;
export const MIRROR_RETRY_MAX_MS = 5_000;
/** Pause between two looks whether Redis has lost its data. */
export const MIRROR_EPOCH_INTERVAL_MS = 1_000;
/** Names of units that one step of reading their index asks for. */
export const MIRROR_INDEX_SCAN = 1_000;

/** Pause between two times that a gateway saves what is new in its view. */
export const STORAGE_INTERVAL_MS = 1_000;
/** Of the main thread's time saving takes at most one part in so many. */
export const STORAGE_TIME_SHARE = 20;
/** Groups that one step of saving or loading encodes or decodes. */
export const STORAGE_STEP_GROUPS = 500;
/** Bytes of rows that are sent to the storage's thread at once. */
export const STORAGE_STEP_BYTES = 256 * 1024;
/** Bytes of rows from which on a transaction ends, at the end of a section. */
export const STORAGE_TRANSACTION_BYTES = 1024 * 1024;
/** Time by which an age must have grown for it to be saved where nothing else changed. */
export const STORAGE_AGE_STEP_MS = 1_000;
/** First and longest pause before a storage that failed is tried again. */
export const STORAGE_RETRY_MIN_MS = 1_000;
export const STORAGE_RETRY_MAX_MS = 60_000;
/** Failures in a row, a full disk aside, after which the file is set aside and begun anew. */
export const STORAGE_MAX_FAILURES = 3;
/** Damaged files that are kept for people to look at. */
export const MAX_FILES_SET_ASIDE = 3;
/** Bytes of the storage's write-ahead log that stay on disk between transactions. */
export const STORAGE_WAL_BYTES = 4 * 1024 * 1024;
/** Free pages of the storage's file that one transaction gives back. */
export const STORAGE_TIDY_PAGES = 512;
/** Time that an operator's order waits to be on disk before it is answered anyway. */
export const STORAGE_ORDER_WAIT_MS = 1_000;
