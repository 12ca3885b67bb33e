import type { SnapshotMetadata } from "../../../regional/raft/types.js";
import { confState } from "../log/entries.js";

export function positionAt(index: number, term = 1): SnapshotMetadata {
  return { index, term, confState };
}
