import type { FileIdentity } from "../../../regional/log/identity.js";
import type { ConfState, Entry, SnapshotMetadata } from "../../../regional/raft/types.js";

export const identity: FileIdentity = { cluster: "c1a5", member: "3e3b" };

export const confState: ConfState = {
  voters: [1, 2, 3],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

/** Where a new log begins. */
export const initial: SnapshotMetadata = { index: 0, term: 0, confState };

/** Entries [first, first + count) of a term; each has data that names it. */
export function makeEntries(first: number, count: number, term = 1, padding = 0): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    term,
    index: first + i,
    type: 0 as const,
    data: Buffer.from(`entry ${first + i} of term ${term}${".".repeat(padding)}`),
  }));
}
