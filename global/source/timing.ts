import {
  CONFIRM_INTERVAL_MS,
  LINEAGE_INTERVAL_MS,
  SOURCE_CONNECT_TIMEOUT_MS,
  SOURCE_NUDGE_INTERVAL_MS,
  SOURCE_RETRY_MAX_MS,
  SOURCE_RETRY_MIN_MS,
  WATCH_STALL_MS,
} from "../../shared/limits.js";

/** How often a source does what, in milliseconds. */
export interface SourceTiming {
  readonly lineageMs: number;
  readonly confirmMs: number;
  readonly nudgeMs: number;
  readonly stallMs: number;
  readonly callTimeoutMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export const DEFAULT_TIMING: SourceTiming = {
  lineageMs: LINEAGE_INTERVAL_MS,
  confirmMs: CONFIRM_INTERVAL_MS,
  nudgeMs: SOURCE_NUDGE_INTERVAL_MS,
  stallMs: WATCH_STALL_MS,
  callTimeoutMs: SOURCE_CONNECT_TIMEOUT_MS,
  retryMinMs: SOURCE_RETRY_MIN_MS,
  retryMaxMs: SOURCE_RETRY_MAX_MS,
};
