import { checkConfig, type RaftConfig } from "./config.js";
import { violated } from "./invariant.js";
import type { ProposeOutcome, StepOutcome } from "./outcome.js";
import type { Ready } from "./ready.js";
import type { Status } from "./status.js";
import type { ConfChange, ConfState, EntryType, Message } from "./types.js";

/**
 * One Raft node as a pure step machine: inputs are tick(), step() and the calls below,
 * output is ready(). It does no I/O and is not re-entrant. See ready.ts for the cycle.
 *
 * Any call may throw AtollError INTERNAL when the node's own rules are broken (see
 * invariant.ts); the node must not be used after that.
 */
export class RawNode {
  readonly id: number;

  /**
   * Starts from what `config.storage` holds, as a follower without a leader.
   * @throws AtollError INVALID_ARGUMENT when the configuration is wrong
   */
  constructor(config: RaftConfig) {
    this.id = checkConfig(config).id;
  }

  /** Moves the node's clock by one tick; elections and heartbeats come from here. */
  tick(): void {
    violated("not built yet");
  }

  /**
   * Takes in a message from a peer, or a response from the storage threads.
   * Messages of types that never travel (hup, beat, storage…) are refused from peers.
   * The entries and their data are kept by reference.
   */
  step(_message: Message): StepOutcome {
    return violated("not built yet");
  }

  /**
   * Delivers the responses of a storageAppend or storageApply message whose work is done:
   * steps those addressed to this node, in order, and returns the others, to be sent to
   * their peers.
   */
  completeStorage(_message: Message): readonly Message[] {
    return violated("not built yet");
  }

  /**
   * Proposes a batch of payloads (at least one) as consecutive entries: the leader appends,
   * a follower forwards the whole batch in one message. All are taken or none.
   * The arrays are kept by reference.
   */
  propose(_datas: readonly Uint8Array[]): ProposeOutcome {
    return violated("not built yet");
  }

  /**
   * Proposes a membership change. It takes effect on each node when that node applies the
   * entry and calls applyConfChange(). Only one may be unapplied at a time.
   * `entryType` confChange (the older form) takes exactly one change.
   */
  proposeConfChange(_change: ConfChange, _entryType?: EntryType): ProposeOutcome {
    return violated("not built yet");
  }

  /**
   * Puts a membership change into effect; called for each committed conf-change entry when
   * it is applied (unless the state machine refuses the change). Returns the configuration
   * to be kept with the applied state.
   */
  applyConfChange(_change: ConfChange): ConfState {
    return violated("not built yet");
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
  readIndex(_context: Uint8Array): boolean {
    return violated("not built yet");
  }

  /** Starts an election now (with a pre-vote first, if configured). */
  campaign(): void {
    violated("not built yet");
  }

  /**
   * Asks the leader to hand leadership to `id`, a voter. Proposals are dropped meanwhile; it
   * is given up after an election timeout.
   */
  transferLeader(_id: number): void {
    violated("not built yet");
  }

  /**
   * Makes a follower forget its leader, so that it may vote at once (it heard that the
   * leader is gone). Does nothing on a leader, or with lease-based reads.
   */
  forgetLeader(): void {
    violated("not built yet");
  }

  /** The last messages to `id` were probably lost: its entries are probed again. */
  reportUnreachable(_id: number): void {
    violated("not built yet");
  }

  /**
   * Sending a snapshot to `id` has ended: `ok` (it was received) or not. Must be called for
   * every snap message that was taken from Ready, else the follower waits for ever.
   */
  reportSnapshot(_id: number, _ok: boolean): void {
    violated("not built yet");
  }

  /** True if ready() would return something to do. Cheap. */
  hasReady(): boolean {
    return violated("not built yet");
  }

  /** Takes what is to be done; see ready.ts for what the caller then owes. */
  ready(): Ready {
    return violated("not built yet");
  }

  /** asyncStorageWrites = false only: the last Ready has been carried out whole. */
  advance(): void {
    violated("not built yet");
  }

  /** A copy of the node's state; `progress` only on a leader. */
  status(): Status {
    return violated("not built yet");
  }
}
