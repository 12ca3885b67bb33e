/**
 * What a node wants done, and in which order.
 *
 * ## The ready cycle with asyncStorageWrites = true (how a member runs)
 *
 * 1. Feed the node: tick(), step(message), propose(), readIndex(), …
 * 2. While hasReady(): `const rd = node.ready()`. Taking it *is* accepting it: the node
 *    counts all of it as handed over, and advance() is never called. Then:
 *    - **At once**, in any order: `rd.messages` go to the peers (they carry nothing that
 *      depends on this Ready's writes); `rd.readStates` answer reads as soon as the state
 *      machine has applied through their index; `rd.softState` is for information.
 *    - **`rd.storageAppend`** goes to the append thread: a FIFO of one. It makes durable, in
 *      one go: `snapshot` (if any; it replaces log and state), then `entries` (overwriting
 *      everything in the log from the first one's index on), then `hardState` (if any).
 *      When rd.mustSync is false (no entries, no new term or vote; just a commit index) the
 *      fsync may be left out; a snapshot is always synced. Only *after* the write is durable are the message's
 *      `responses` delivered, in order: the ones `to` this node are stepped, the others are
 *      sent to their peers. These are the votes and acknowledgements that promise
 *      durability, the leader's own acknowledgement among them. `completeStorage(message)`
 *      steps the local ones and returns the rest.
 *    - **`rd.storageApply`** goes to the apply thread: a FIFO of one. It applies `entries` in
 *      order to the state machine; for each entry of type confChange(V2) the driver calls
 *      applyConfChange(decodeConfChange(entry), entry.index) before the responses are
 *      delivered. Then completeStorage(message). If the append thread has installed a
 *      snapshot meanwhile, entries at or before its index are skipped (the responses are
 *      delivered all the same): they are in the state already.
 *    A committed entry is given out for apply only once it is durable *here* too (its
 *    storageAppendResp was stepped), so the state machine never gets ahead of the own log.
 *    The two threads need not wait for each other otherwise.
 *    Several storageAppend messages may be in flight; writing many of them with one sync is
 *    right as long as the responses come after the sync, in order.
 * 3. Messages may be lost, doubled or reordered on their way to peers. Storage messages
 *    may not: FIFO, each done exactly once, or the node is restarted from what is durable.
 * 4. After a restart: a new RawNode over the storage, with `applied` = the index through
 *    which the state machine's own durable state reaches. Nothing else is carried over.
 *
 * ## With asyncStorageWrites = false
 * rd.storageAppend and rd.storageApply are null. The driver makes rd.snapshot, rd.entries
 * and rd.hardState durable, then sends rd.messages, applies rd.committedEntries and calls
 * advance(), before the next ready().
 *
 * Source of the rules: etcd-io/raft `doc.go`, `rawnode.go`; Ongaro's dissertation §10.2.1
 * (a leader writes its log in parallel with replicating it).
 */
import type { Message } from "./message.js";
import type { Entry, HardState, ReadState, Snapshot, SoftState } from "./types.js";

/** One hand-over from the core to its driver. */
export interface Ready {
  /** null if unchanged since the last Ready. */
  readonly softState: SoftState | null;
  /** To be made durable; null if unchanged. */
  readonly hardState: HardState | null;
  /** Reads confirmed since the last Ready. */
  readonly readStates: readonly ReadState[];
  /** To be made durable. */
  readonly entries: readonly Entry[];
  /** To be made durable and installed, before `entries`. */
  readonly snapshot: Snapshot | null;
  /** Committed, to be applied; at most maxCommittedSizePerReady bytes (at least one entry). */
  readonly committedEntries: readonly Entry[];
  /** To peers. */
  readonly messages: readonly Message[];
  /** asyncStorageWrites: the work of the append thread; null if none. */
  readonly storageAppend: Message | null;
  /** asyncStorageWrites: the work of the apply thread; null if none. */
  readonly storageApply: Message | null;
  /** Entries, term or vote are new: the append needs an fsync. (A snapshot always does.) */
  readonly mustSync: boolean;
}
