import type { Progress } from "./progress.js";

/*
 * Elections with priorities: which node leads, where that can be had for nothing.
 *
 * A node's priority travels in its answers to heartbeats. Once an election timeout the leader
 * looks who of the voters could take over at once, tells all in its heartbeats the highest
 * priority among them, and hands over to such a node if its priority is above the leader's own.
 * When the leader is gone, a node with a lower priority than it was told waits one election
 * timeout longer (core.ts campaignTicks): the better node campaigns meanwhile. It does so once,
 * and no more as soon as anybody opens a new term, so nobody waits for a node that can't win.
 * Votes are never refused for a priority: whoever can be elected may be. At worst an election
 * takes one timeout more.
 *
 * Sources: SOFAJRaft's and NuRaft's target priority, which followers let sink when nobody
 * campaigns; raft-rs lets voters refuse candidates of a lower priority, which can leave a group
 * without a leader when the preferred node is cut off from some. MongoDB's priority takeover is
 * the hand-over, which here the leader itself starts: it costs no election timeout and breaks
 * into no lease unnoticed.
 */

/** Hand-overs that failed in a row double the pause before the next one, up to this many reviews. */
const MAX_PAUSE = 64;

/** A leader's view of who could follow it; see above. */
export class Succession {
  /** Highest priority among voters that could take over at once; told in heartbeats. */
  best = 0;
  /** The commit index at the last review. */
  #reviewedCommit = 0;
  #pause = 1;
  #reviewsToWait = 0;
  #tried = false;

  /** A new term begins, or this node's role changes. */
  reset(): void {
    this.best = 0;
    this.#reviewedCommit = 0;
    this.#pause = 1;
    this.#reviewsToWait = 0;
    this.#tried = false;
  }

  /**
   * Once an election timeout, before activity is forgotten: remembers the best priority and
   * gives the node to hand over to, if there is one whose priority is above the leader's.
   */
  review(
    nodes: readonly Progress[],
    leader: { readonly id: number; readonly priority: number; readonly committed: number },
  ): Progress | undefined {
    let best: Progress | undefined;
    for (const node of nodes) {
      const isReady = node.id !== leader.id && this.#couldTakeOver(node);
      if (isReady && node.priority > (best?.priority ?? 0)) best = node;
    }
    this.best = best?.priority ?? 0;
    this.#reviewedCommit = leader.committed;
    if (best === undefined || best.priority <= leader.priority) return undefined;
    if (this.#tried) {
      // It was asked to take over and hasn't.
      this.#tried = false;
      this.#pause = Math.min(2 * this.#pause, MAX_PAUSE);
      this.#reviewsToWait = this.#pause;
    }
    if (this.#reviewsToWait > 0) {
      this.#reviewsToWait--;
      return undefined;
    }
    this.#tried = true;
    return best;
  }

  /** Alive, a voter, and its log has what was committed an election timeout ago. */
  #couldTakeOver(node: Progress): boolean {
    return (
      !node.isLearner &&
      node.recentActive &&
      node.state === "replicate" &&
      this.#reviewedCommit > 0 &&
      node.match >= this.#reviewedCommit
    );
  }
}
