import { SNAPSHOT_RATE_BYTES_PER_SECOND } from "../../shared/limits.js";

/** How one member behaves; members of a group may differ in it. */
export interface MemberTuning {
  /** Bytes of snapshots that it sends in a second at most. */
  readonly snapshotBytesPerSecond: number;
}

export const DEFAULT_TUNING: MemberTuning = {
  snapshotBytesPerSecond: SNAPSHOT_RATE_BYTES_PER_SECOND,
};
