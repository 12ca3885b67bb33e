import { Inflights } from "./inflights.js";
import type { ProgressState, ProgressStatus } from "./status.js";

/**
 * What the leader knows of one node's log, and how fast it may send to it.
 *
 * - `probe`: where the logs agree is not known; one append at a time, the next one after an
 *   answer or a heartbeat's answer.
 * - `replicate`: it is known; appends are pipelined, `next` runs ahead of `match`, within
 *   the window of `inflights`.
 * - `snapshot`: a snapshot is on its way; no appends.
 *
 * Invariants: match < next; sentCommit is what the node has been told, never more than it
 * can use. Source: etcd-io/raft `tracker/progress.go`.
 */
export class Progress {
  readonly id: number;
  isLearner: boolean;
  match: number;
  next: number;
  state: ProgressState = "probe";
  /** Index of the snapshot being sent; 0 outside `snapshot`. */
  pendingSnapshot = 0;
  /** Something was heard from the node since the last check of the quorum. */
  recentActive = false;
  /** Nothing is sent until an answer or a heartbeat's answer arrives. */
  flowPaused = false;
  /** The node's priority in elections, as its last answer to a heartbeat said. */
  priority = 0;
  /** Highest commit index sent to the node. */
  sentCommit = 0;
  readonly inflights: Inflights;

  constructor(
    id: number,
    isLearner: boolean,
    next: number,
    maxInflightMessages: number,
    maxInflightBytes: number,
  ) {
    this.id = id;
    this.isLearner = isLearner;
    this.match = 0;
    this.next = next;
    this.inflights = new Inflights(maxInflightMessages, maxInflightBytes);
  }

  /** Forgets everything, at the start of a term. */
  reset(match: number, next: number): void {
    this.match = match;
    this.next = next;
    this.recentActive = false;
    this.sentCommit = 0;
    this.#enter("probe");
  }

  /** Starts probing after `match`, or after the snapshot that was being sent if that is further. */
  becomeProbe(): void {
    const base =
      this.state === "snapshot" ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.#enter("probe");
    this.next = base + 1;
    this.sentCommit = Math.min(this.sentCommit, base);
  }

  /** Starts pipelining after `match`. */
  becomeReplicate(): void {
    this.#enter("replicate");
    this.next = this.match + 1;
  }

  /** Waits for a snapshot at `index` to arrive. */
  becomeSnapshot(index: number): void {
    this.#enter("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** An append with `count` entries was sent, starting at `next`. */
  sentEntries(count: number, bytes: number): void {
    if (this.state === "replicate") {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      // With a full window this append doubles as the probe that later un-sticks the flow.
      this.flowPaused = this.inflights.full();
    } else if (count > 0) {
      this.flowPaused = true;
    }
  }

  /** True if telling the node `commit` could advance its commit index. */
  canBumpCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** The node acknowledged its log through `index`. False: that is old news. */
  acknowledge(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.flowPaused = false;
    return true;
  }

  /**
   * The node refused an append based on `refused`; its log may agree at `hint`. False: the
   * refusal is about an append that is no longer of interest (late or doubled).
   */
  backOff(refused: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (refused <= this.match) return false;
      this.next = this.match + 1;
      this.sentCommit = Math.min(this.sentCommit, this.match);
      return true;
    }
    // A probe is always based on next - 1.
    if (this.next - 1 !== refused) return false;
    this.next = Math.max(Math.min(refused, hint + 1), this.match + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    this.flowPaused = false;
    return true;
  }

  /** True if nothing may be sent now. */
  isPaused(): boolean {
    return this.state === "snapshot" || this.flowPaused;
  }

  /** A copy for status(). */
  toStatus(): ProgressStatus {
    return {
      id: this.id,
      state: this.state,
      match: this.match,
      next: this.next,
      isLearner: this.isLearner,
      recentActive: this.recentActive,
      priority: this.priority,
      paused: this.isPaused(),
      pendingSnapshot: this.pendingSnapshot,
      inflight: this.inflights.count,
      inflightFull: this.inflights.full(),
    };
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.flowPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
