import type { Changed } from "./membership.js";
import { Progress } from "./progress.js";
import { type AckLookup, jointIndex, jointVote, type VoteResult } from "./quorum.js";
import { type ConfState, EMPTY_CONF_STATE } from "./types.js";

/**
 * The active membership, the progress of its nodes and the votes of the running election.
 * Source: etcd-io/raft `tracker/tracker.go`.
 */
export class Tracker implements AckLookup {
  readonly #maxInflightMessages: number;
  readonly #maxInflightBytes: number;
  readonly #byId = new Map<number, Progress>();
  #conf: ConfState = EMPTY_CONF_STATE;
  #nodes: readonly Progress[] = [];
  #votes = new Map<number, boolean>();

  constructor(maxInflightMessages: number, maxInflightBytes: number) {
    this.#maxInflightMessages = maxInflightMessages;
    this.#maxInflightBytes = maxInflightBytes;
  }

  get conf(): ConfState {
    return this.#conf;
  }

  /** All nodes of the membership, by ascending id. */
  get nodes(): readonly Progress[] {
    return this.#nodes;
  }

  get(id: number): Progress | undefined {
    return this.#byId.get(id);
  }

  /**
   * Makes a membership the active one. Nodes new to it are probed from `lastIndex` and count
   * as active, so that they get time to answer before the quorum is checked.
   */
  switchTo(changed: Changed, lastIndex: number): void {
    const { conf, dropped } = changed;
    const ids = new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners]);
    for (const id of this.#byId.keys()) {
      if (!ids.has(id) || dropped.has(id)) this.#byId.delete(id);
    }
    const learners = new Set(conf.learners);
    for (const id of ids) {
      const known = this.#byId.get(id);
      if (known !== undefined) {
        known.isLearner = learners.has(id);
        continue;
      }
      const fresh = new Progress(
        id,
        learners.has(id),
        Math.max(lastIndex, 1),
        this.#maxInflightMessages,
        this.#maxInflightBytes,
      );
      fresh.recentActive = true;
      this.#byId.set(id, fresh);
    }
    this.#conf = conf;
    this.#nodes = [...this.#byId.values()].sort((a, b) => a.id - b.id);
  }

  /** Forgets all nodes, for a membership that comes with a snapshot. */
  clear(): void {
    this.#byId.clear();
    this.#nodes = [];
    this.#conf = EMPTY_CONF_STATE;
    this.resetVotes();
  }

  /** Ids of all voters of both halves, ascending. */
  voterIds(): number[] {
    const ids = new Set([...this.#conf.voters, ...this.#conf.votersOutgoing]);
    return [...ids].sort((a, b) => a - b);
  }

  isVoter(id: number): boolean {
    return this.#conf.voters.includes(id) || this.#conf.votersOutgoing.includes(id);
  }

  ackedIndex(id: number): number {
    return this.#byId.get(id)?.match ?? 0;
  }

  /** The largest index that is on a quorum. */
  committedIndex(): number {
    return this.quorumOf(this);
  }

  /** The largest number that a quorum has acknowledged by `acks`. */
  quorumOf(acks: AckLookup): number {
    return jointIndex(this.#conf.voters, this.#conf.votersOutgoing, acks);
  }

  /** True if a quorum was heard from since the last check. */
  quorumActive(): boolean {
    const active = new Map<number, boolean>();
    for (const node of this.#nodes) if (!node.isLearner) active.set(node.id, node.recentActive);
    return jointVote(this.#conf.voters, this.#conf.votersOutgoing, active) === "won";
  }

  resetVotes(): void {
    this.#votes = new Map();
  }

  hasVoteOf(id: number): boolean {
    return this.#votes.get(id) === true;
  }

  /** Counts a vote (a node's first one only) and tells where the election stands. */
  recordVote(id: number, granted: boolean): VoteResult {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
    return jointVote(this.#conf.voters, this.#conf.votersOutgoing, this.#votes);
  }
}
