export { decodeConfChange, encodeConfChange } from "./conf-change.js";
export type { RaftConfig, ReadOnlyMode, TraceEvent } from "./config.js";
export { type Message, MessageType, makeMessage } from "./message.js";
export { isTaken, type ProposeOutcome, type StepOutcome } from "./outcome.js";
export { RawNode } from "./raw-node.js";
export type { Ready } from "./ready.js";
export { entrySize } from "./size.js";
export type { ProgressStatus, Status } from "./status.js";
export { type InitialState, MemoryStorage, type RaftStorage } from "./storage.js";
export {
  APPEND_THREAD,
  APPLY_THREAD,
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  NO_NODE,
  RaftState,
  type ReadState,
  type Snapshot,
  type SnapshotMetadata,
  type SoftState,
} from "./types.js";
