import { encodeConfChange, encodeConfChangeV1 } from "./conf-change.js";
import { checkConfig, type RaftConfig } from "./config.js";
import { Core } from "./core.js";
import { isAlone } from "./election.js";
import { violated } from "./invariant.js";
import { isAnswer, isLocal, type Message, MessageType, makeMessage } from "./message.js";
import { orphan } from "./orphan.js";
import type { ProposeOutcome, StepOutcome } from "./outcome.js";
import { Output } from "./output.js";
import { appendPayloads } from "./proposing.js";
import type { Ready } from "./ready.js";
import { applyConfChange, loadMembership } from "./reconfigure.js";
import { becomeFollower } from "./roles.js";
import type { Status } from "./status.js";
import { elapse, stepMessage, tick } from "./step.js";
import {
  type ConfChange,
  type ConfState,
  type Entry,
  EntryType,
  NO_NODE,
  RaftState,
} from "./types.js";

function fromStorage(message: Message): boolean {
  return message.from < NO_NODE;
}

/**
 * One Raft node as a pure step machine: inputs are tick(), step() and the calls below,
 * output is ready(). It does no I/O and is not re-entrant. See ready.ts for the cycle.
 *
 * Any call may throw AtollError INTERNAL when the node's own rules are broken (see
 * invariant.ts); the node must not be used after that.
 */
export class RawNode {
  readonly id: number;
  readonly #core: Core;
  readonly #output: Output;

  /**
   * Starts from what `config.storage` holds, as a follower without a leader.
   * @throws AtollError INVALID_ARGUMENT when the configuration or the stored membership is
   *   wrong; INTERNAL when log, hard state and `applied` contradict each other
   */
  constructor(config: RaftConfig) {
    const checked = checkConfig(config);
    const core = new Core(checked);
    const { hardState, confState } = checked.storage.initialState();
    loadMembership(core, confState);
    core.term = hardState.term;
    core.vote = hardState.vote;
    // What is applied was committed, though the commit index may not have been synced.
    const { applied } = checked;
    core.log.restoreCommit(Math.max(hardState.commit, applied, core.log.committed));
    if (applied > core.log.applied) core.log.appliedTo(applied, 0);
    if (checked.honourLeases) {
      if (core.term === 0) core.unknowing = true;
      else if (!isAlone(core)) core.voteFrom = checked.electionTicks;
    }
    becomeFollower(core, core.term, NO_NODE);
    this.id = checked.id;
    this.#core = core;
    this.#output = new Output(core);
  }

  /** Moves the node's clock by one tick; elections and heartbeats come from here. */
  tick(): void {
    tick(this.#core);
  }

  /**
   * So many ticks' worth of time went by without tick(): leases run out, and nothing else
   * happens. With lease-based reads the driver calls it before any other input for what its
   * clock has advanced beyond the ticks it gave, so that a held-up leader reads nothing stale.
   */
  elapse(ticks: number): void {
    elapse(this.#core, ticks);
  }

  /**
   * Takes in a message from a peer, or a response from the storage threads.
   * Messages of types that never travel (hup, beat, storage…) are refused from peers; the
   * transport vouches for `from`, `to` and the types of the fields.
   * The entries and their data are kept by reference.
   */
  step(message: Message): StepOutcome {
    if (!fromStorage(message)) {
      if (isLocal(message.type)) return "local-message";
      if (isAnswer(message.type) && this.#core.tracker.get(message.from) === undefined) {
        return "unknown-peer";
      }
      if (message.type === MessageType.prop && message.entries.length === 0) return "ok";
    }
    return stepMessage(this.#core, message);
  }

  /**
   * Delivers the responses of a storageAppend or storageApply message whose work is done:
   * steps those addressed to this node, in order, and returns the others, to be sent to
   * their peers.
   */
  completeStorage(message: Message): readonly Message[] {
    if ((message.hardState?.term ?? 0) > 0) this.#core.unknowing = false;
    const others: Message[] = [];
    for (const response of message.responses) {
      if (response.to === this.id) this.step(response);
      else others.push(response);
    }
    return others;
  }

  /**
   * Proposes a batch of payloads (at least one) as consecutive entries: the leader appends,
   * a follower forwards the whole batch in one message. All are taken or none.
   * The arrays are kept by reference.
   */
  propose(datas: readonly Uint8Array[]): ProposeOutcome {
    if (datas.length === 0) return "appended";
    if (this.#core.state === RaftState.leader) return appendPayloads(this.#core, datas);
    const entries: Entry[] = [];
    for (const data of datas) entries.push({ term: 0, index: 0, type: EntryType.normal, data });
    return this.#proposeEntries(entries);
  }

  /**
   * Proposes a membership change. It takes effect on each node when that node applies the
   * entry and calls applyConfChange(). Only one may be unapplied at a time.
   * `entryType` confChange (the older form) takes exactly one change.
   */
  proposeConfChange(
    change: ConfChange,
    entryType: typeof EntryType.confChange | typeof EntryType.confChangeV2 = EntryType.confChangeV2,
  ): ProposeOutcome {
    const data =
      entryType === EntryType.confChange ? encodeConfChangeV1(change) : encodeConfChange(change);
    return this.#proposeEntries([{ term: 0, index: 0, type: entryType, data }]);
  }

  /**
   * Puts a membership change into effect; called for each committed conf-change entry when
   * it is applied (unless the state machine refuses the change). Returns the configuration
   * to be kept with the applied state.
   *
   * `index` is the entry's. A snapshot may have reached the node while the entry was on its
   * way through the apply thread. What it covers is in effect already; the configuration
   * returned is then the one at `index`, not the active one.
   * @throws AtollError FAILED_PRECONDITION when the change can't be made to the active
   *   configuration (never for one that the leader checked)
   */
  applyConfChange(change: ConfChange, index: number): ConfState {
    return applyConfChange(this.#core, change, index);
  }

  /**
   * Asks for a linearizable read. The answer is a ReadState with this `context` in some
   * later Ready, once a round to a quorum, started after this call, has confirmed the
   * leader; a read of state applied through its index is then linearizable. Requests made
   * before the leader has committed an entry of its own term wait for that. One call may
   * stand for a whole batch of reads.
   *
   * False: no leader is known and nothing was done. True is no promise: the answer is lost
   * with a leader change or a message, so the caller asks again, with a fresh context,
   * after a time.
   */
  readIndex(context: Uint8Array): boolean {
    const request = makeMessage({ type: MessageType.readIndex, to: NO_NODE, context });
    return stepMessage(this.#core, request) !== "no-leader";
  }

  /**
   * Starts an election now (with a pre-vote first, if configured). With honourLeases it does
   * nothing while a leader is alive: transferLeader() is the way then.
   */
  campaign(): void {
    const core = this.#core;
    if (core.config.honourLeases && core.inLease()) return;
    this.#stepLocal(MessageType.hup, NO_NODE, false);
  }

  /**
   * Asks the leader to hand leadership to `id`, a voter. Proposals are dropped meanwhile; it
   * is given up after an election timeout.
   */
  transferLeader(id: number): void {
    this.#stepLocal(MessageType.transferLeader, id, false);
  }

  /**
   * Makes a follower forget its leader, so that it may vote at once (it heard that the
   * leader is gone). Does nothing on a leader, or with honourLeases.
   */
  forgetLeader(): void {
    this.#stepLocal(MessageType.forgetLeader, NO_NODE, false);
  }

  /**
   * The caller has found that `id` is gone: its process has ended, as far as can be told. If it
   * is the leader that this node follows, the node gives it up and campaigns within a few
   * ticks, taking turns with the others (see orphan.ts). True if its turn is the first: it may
   * campaign() as soon as the others have had time to find the same.
   *
   * Wrong news costs no more than a pre-vote that nobody answers. But with leases honoured, the
   * caller must be certain, or know that `id` answers no reads by lease.
   */
  peerGone(id: number): boolean {
    return orphan(this.#core, id);
  }

  /** The last messages to `id` were probably lost: its entries are probed again. */
  reportUnreachable(id: number): void {
    this.#stepLocal(MessageType.unreachable, id, false);
  }

  /**
   * Sending a snapshot to `id` has ended: `ok` (it was received) or not. Must be called for
   * every snap message that was taken from Ready, else the follower may wait for ever.
   */
  reportSnapshot(id: number, ok: boolean): void {
    this.#stepLocal(MessageType.snapStatus, id, !ok);
  }

  /**
   * Sets the election timeout that was drawn at random, until it is drawn anew (with the next
   * change of role or term). For scripts that tell exactly who campaigns when.
   */
  setElectionTimeout(ticks: number): void {
    this.#core.randomizedElectionTimeout = ticks;
  }

  /** True if ready() would return something to do. Cheap. */
  hasReady(): boolean {
    return this.#output.hasReady();
  }

  /** Takes what is to be done; see ready.ts for what the caller then owes. */
  ready(): Ready {
    if (this.#output.owesAdvance) violated("ready() was called again before advance()");
    return this.#output.take();
  }

  /** asyncStorageWrites = false only: the last Ready has been carried out whole. */
  advance(): void {
    if (this.#core.config.asyncStorageWrites) {
      violated("advance() was called though storage writes are asynchronous");
    }
    if (this.#core.term > 0) this.#core.unknowing = false;
    for (const message of this.#output.takeDeferred()) stepMessage(this.#core, message);
  }

  /** A copy of the node's state; `progress` only on a leader. */
  status(): Status {
    const core = this.#core;
    const leads = core.state === RaftState.leader;
    return {
      id: this.id,
      term: core.term,
      vote: core.vote,
      commit: core.log.committed,
      applied: core.log.applied,
      lastIndex: core.log.lastIndex(),
      lead: core.lead,
      raftState: core.state,
      leadTransferee: core.leadTransferee,
      confState: core.tracker.conf,
      progress: leads ? new Map(core.tracker.nodes.map((n) => [n.id, n.toStatus()])) : null,
    };
  }

  #stepLocal(type: MessageType, from: number, reject: boolean): void {
    stepMessage(this.#core, makeMessage({ type, to: NO_NODE, from, reject }));
  }

  #proposeEntries(entries: readonly Entry[]): ProposeOutcome {
    const { prop } = MessageType;
    const outcome = stepMessage(
      this.#core,
      makeMessage({ type: prop, to: NO_NODE, from: this.id, entries }),
    );
    if (outcome === "ok" || outcome === "local-message" || outcome === "unknown-peer") {
      violated(`a proposal was answered ${outcome}`);
    }
    return outcome;
  }
}
