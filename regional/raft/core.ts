import type { CheckedConfig } from "./config.js";
import { violated } from "./invariant.js";
import { leaseTicks } from "./lease.js";
import { RaftLog } from "./log.js";
import { type Message, MessageType, makeMessage } from "./message.js";
import { Succession } from "./priority.js";
import { ReadRounds } from "./reads.js";
import { Tracker } from "./tracker.js";
import { type ConfState, EMPTY_CONF_STATE, NO_NODE, RaftState, type ReadState } from "./types.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a message needs from the code that sends it; the rest is stamped. */
export type Outgoing = Partial<Message> & Pick<Message, "type" | "to">;

/** Votes and acknowledgements promise durability, so they wait for the writes before them. */
function promisesDurability(type: MessageType): boolean {
  return (
    type === MessageType.appResp ||
    type === MessageType.voteResp ||
    type === MessageType.preVoteResp
  );
}

/** Election messages carry the term they are about, which isn't always the sender's. */
function carriesOwnTerm(type: MessageType): boolean {
  return (
    type === MessageType.vote ||
    type === MessageType.voteResp ||
    type === MessageType.preVote ||
    type === MessageType.preVoteResp
  );
}

/** `Core.orphanedAt` of a node that was not told that its leader is gone. */
export const NOT_ORPHANED = -1;

/**
 * The state of a node and its out-boxes. What the node does with them is in the modules
 * around: election, replication, read-index, leader, follower, step.
 */
export class Core {
  readonly id: number;
  readonly config: CheckedConfig;
  readonly log: RaftLog;
  readonly tracker: Tracker;
  readonly reads = new ReadRounds();

  term = 0;
  vote = NO_NODE;
  lead = NO_NODE;
  state: RaftState = RaftState.follower;
  isLearner = false;

  /** Ticks since the last sign of a leader, or of the last check of the quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  randomizedElectionTimeout = 0;
  /** Ticks of this node's life; a leader's lease is counted in them. */
  ticks = 0;
  /**
   * This node has never stored a term, and honours leases: were it to restart now, it would
   * not know that it may have heard from a leader. Over once a term is durable: from then on a
   * disk that stalls delays no heartbeat.
   */
  unknowing = false;
  /** No vote before this tick: whom this node heard from before it restarted is forgotten. */
  voteFrom = 0;

  readonly succession = new Succession();
  /** The highest priority of a node that could follow the leader, as the leader last said. */
  expectedPriority = 0;

  /** The leader that this node was told is gone, and the tick at which; see orphan.ts. */
  goneLeader = NO_NODE;
  orphanedAt = NOT_ORPHANED;

  /**
   * The membership that the state machine has come to. A snapshot makes a later one active
   * at once, while entries before it may still be on their way through the apply thread.
   */
  appliedConf: ConfState = EMPTY_CONF_STATE;

  leadTransferee = NO_NODE;
  /** Votes may have been given regardless of this leader's lease in this term. */
  leaseBroken = false;
  /** The last membership change in the log is at or before this index. */
  pendingConfIndex = 0;
  /** Payload bytes of a leader's uncommitted tail (an estimate that is never too high). */
  uncommittedSize = 0;
  /** Reads that wait for the first commit of this leader's term. */
  earlyReads: Message[] = [];

  /** To peers, at once. */
  messages: Message[] = [];
  /** To peers or to this node, once all that was appended so far is durable. */
  afterAppend: Message[] = [];
  readStates: ReadState[] = [];

  constructor(config: CheckedConfig) {
    this.id = config.id;
    this.config = config;
    this.log = new RaftLog(config.storage, config.maxCommittedSizePerReady);
    this.tracker = new Tracker(config.maxInflightMessages, config.maxInflightBytes);
  }

  /** Queues a message, stamping sender and term. */
  send(fields: Outgoing): void {
    const message: Mutable<Message> = makeMessage(fields);
    const type = message.type;
    if (message.from === NO_NODE) message.from = this.id;
    if (carriesOwnTerm(type)) {
      if (message.term === 0) violated(`message of type ${type} without a term`);
    } else if (type !== MessageType.prop && type !== MessageType.readIndex) {
      message.term = this.term;
    }
    if (promisesDurability(type) || (this.unknowing && type === MessageType.heartbeatResp)) {
      this.afterAppend.push(message);
    } else {
      if (message.to === this.id) violated(`message of type ${type} to itself`);
      this.messages.push(message);
    }
  }

  /** Clears what belongs to one term or one role. A new term has no vote yet. */
  reset(term: number): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = NO_NODE;
      this.expectedPriority = 0;
    }
    this.lead = NO_NODE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.randomizedElectionTimeout =
      this.config.electionTicks + this.config.random(this.config.electionTicks);
    this.orphanedAt = NOT_ORPHANED;
    this.leadTransferee = NO_NODE;
    this.leaseBroken = false;
    this.succession.reset();
    this.tracker.resetVotes();
    const lastIndex = this.log.lastIndex();
    for (const node of this.tracker.nodes) {
      node.reset(node.id === this.id ? lastIndex : 0, lastIndex + 1);
    }
    this.pendingConfIndex = 0;
    this.uncommittedSize = 0;
    this.reads.reset();
    this.earlyReads = [];
  }

  /** True if this node may campaign: a voter whose state machine is not being replaced. */
  promotable(): boolean {
    const self = this.tracker.get(this.id);
    return self !== undefined && !self.isLearner && this.log.unstable.snapshot === null;
  }

  /** Ticks without a leader after which this node campaigns; see priority.ts. */
  campaignTicks(): number {
    const yields = this.config.priority < this.expectedPriority;
    return this.randomizedElectionTimeout + (yields ? this.config.electionTicks : 0);
  }

  /**
   * True while this node owes its silence to a leader that it heard from within the election
   * timeout: it then neither votes for others nor raises its term for them (dissertation §4.2.3).
   */
  inLease(): boolean {
    if (!this.config.checkQuorum) return false;
    if (this.ticks < this.voteFrom) return true;
    return this.lead !== NO_NODE && this.electionElapsed < this.config.electionTicks;
  }

  /** True if this leader may answer reads from its lease; see lease.ts. */
  holdsLease(): boolean {
    return (
      this.config.readOnly === "leaseBased" &&
      !this.leaseBroken &&
      this.ticks < this.reads.leaseStart + leaseTicks(this.config.electionTicks)
    );
  }

  /** True once this leader knows how far the log is committed (dissertation §6.4, step 1). */
  committedInTerm(): boolean {
    return this.log.matchTerm(this.log.committed, this.term);
  }
}
