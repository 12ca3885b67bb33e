import type { BinaryKey } from "../../shared/bytes.js";
import { AUDIT_SLICE_BYTES, AUDIT_SLICE_KEYS, AUDIT_WALK_PAUSE_MS } from "../../shared/limits.js";
import { CHAIN_VERSION } from "../store/chain.js";
import type { RegionState } from "../store/state.js";
import type { SliceMark } from "./mark.js";

const BOUNDS = { keys: AUDIT_SLICE_KEYS, bytes: AUDIT_SLICE_BYTES };

/**
 * A leader's walk over the key space, slice by slice, at its own pace whatever the load:
 * what a member only keeps, and no entry touches, is looked at too.
 */
export class Walk {
  #from: BinaryKey = "";
  #resumeMs = 0;
  /** Walks over the whole key space that were finished. */
  finished = 0;

  /** The next slice of the state as it is now; undefined while it pauses between two walks. */
  next(state: RegionState, nowMs: number): SliceMark | undefined {
    if (nowMs < this.#resumeMs) return undefined;
    const from = this.#from;
    const to = state.sliceEnd(from, BOUNDS);
    const revision = state.currentRevision;
    this.#from = to ?? "";
    if (to === undefined) {
      this.#resumeMs = nowMs + AUDIT_WALK_PAUSE_MS;
      this.finished++;
    }
    const hash = state.digest(revision, from, to);
    const { index } = state.applied;
    const round = Math.floor(nowMs);
    return { kind: "slice", version: CHAIN_VERSION, round, index, revision, from, to, hash };
  }

  /** Begins at the first key again. */
  restart(): void {
    this.#from = "";
  }
}
