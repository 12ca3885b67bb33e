import { MIRROR_RETRY_MAX_MS, MIRROR_RETRY_MIN_MS } from "../../../shared/limits.js";

/**
 * Milliseconds until the next attempt after some failures in a row: twice as long each
 * time up to a bound. `share`, from 0 to 1, spreads attempts over the pause's second half.
 */
export function retryPauseMs(failures: number, share: number): number {
  const full = Math.min(MIRROR_RETRY_MAX_MS, MIRROR_RETRY_MIN_MS * 2 ** (failures - 1));
  return full * (0.5 + share / 2);
}
