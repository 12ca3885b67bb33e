import { SNAPSHOT_RATE_BYTES_PER_SECOND } from "../../shared/limits.js";
import type { ReadOnlyMode } from "../raft/index.js";

/** How one member behaves; members of a group may differ in it. */
export interface MemberTuning {
  /** Bytes of snapshots that it sends in a second at most. */
  readonly snapshotBytesPerSecond: number;
  /**
   * How it confirms linearizable reads while it leads. `leaseBased` saves the round to a quorum
   * and relies on clocks (regional/raft/lease.ts says how far).
   */
  readonly reads: ReadOnlyMode;
  /** 0 to 255: members of a higher priority lead where they can (regional/raft/priority.ts). */
  readonly priority: number;
}

export const DEFAULT_TUNING: MemberTuning = {
  snapshotBytesPerSecond: SNAPSHOT_RATE_BYTES_PER_SECOND,
  reads: "safe",
  priority: 0,
};
