import type { SyncResponse } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";

/** Mistakes that make ages too small; each breaks one step of the way an age is built. */
export const BUGS = [
  /** A member that is cut off answers reads by itself. */
  "serializable-read",
  /** As-of is when the read was answered, not when it began. */
  "as-of-at-answer",
  /** A read counts before the watch has brought what it found. */
  "confirm-unfolded",
  /** Ages are kept on a clock that stands still while the machine sleeps. */
  "monotonic-age",
  /** A gateway doesn't say how old what it passes on is. */
  "unaged-relay",
  /** News count from when they come, not from the ping that they answer. */
  "as-of-at-arrival",
  /** Ages that are taken back after a restart are those of the last save. */
  "restart-age",
  /** Clocks drift more than CLOCK_DRIFT. */
  "drift",
] as const;
export type Bug = (typeof BUGS)[number];

/** Spoils a frame as a gateway with the bug would, at `ageMs` of the receiver's clock. */
export function spoil(frame: SyncResponse, bug: Bug | undefined, ageMs: number): void {
  if (bug === "unaged-relay") {
    for (const standing of frame.standings) if (standing.ageMs !== undefined) standing.ageMs = 0;
  } else if (bug === "as-of-at-arrival" && frame.echo !== undefined) {
    const underwayMs = ageMs - frame.echo.stampMs;
    for (const standing of frame.standings) {
      if (standing.ageMs !== undefined) {
        standing.ageMs = Math.max(0, standing.ageMs - underwayMs);
      }
    }
  }
}
