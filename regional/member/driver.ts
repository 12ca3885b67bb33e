import { APPLY_BUDGET_MS, TICK_MS } from "../../shared/limits.js";
import {
  proposalFrames,
  type Refusal,
  refusalFrame,
  type WireProposal,
} from "../peer/proposal-wire.js";
import {
  type Message,
  NO_NODE,
  type ProposeOutcome,
  RaftState,
  type RawNode,
  type Ready,
  type SoftState,
} from "../raft/index.js";
import type { Outcome } from "../store/outcome.js";
import { AppendThread } from "./append-thread.js";
import type { DriverOptions } from "./driver-contract.js";
import { Outbox } from "./outbox.js";
import type { ProposalTarget } from "./proposal-contract.js";
import { Proposals } from "./proposals.js";
import { LinearizableReads, type ReadSource } from "./reads.js";

/**
 * Runs a raft node by turns of the event loop. Whatever comes in during a turn (frames,
 * proposals, reads, finished writes) is fed to the node at once; at the turn's end, in the
 * check phase that follows the poll phase, one ready cycle carries out all of it: one
 * write a peer, one hand-over to the log's thread, one batch of entries applied.
 */
export class RaftDriver implements ProposalTarget, ReadSource {
  readonly self: number;
  readonly proposals: Proposals<Outcome>;
  readonly reads: LinearizableReads;
  lead = NO_NODE;
  role: RaftState = RaftState.follower;
  term: number;
  commit: number;
  leaderChanges = 0;
  /** Milliseconds of the clock at the last input; good enough for deadlines. */
  nowMs: number;
  readonly #options: DriverOptions;
  readonly #raft: RawNode;
  readonly #outbox: Outbox;
  readonly #appendThread: AppendThread;
  #scheduled = false;
  #stopped = false;
  #toApply: Message[] = [];
  #appliedTerm: number;
  readonly #startMs: number;
  /** Ticks of TICK_MS since the start that raft was told of. */
  #ticks = 0;

  constructor(options: DriverOptions) {
    this.self = options.self;
    this.#options = options;
    this.#raft = options.raft;
    const { hardState } = options.log.initialState();
    this.term = hardState.term;
    this.commit = Math.max(hardState.commit, options.applier.applied);
    this.#appliedTerm = options.log.term(options.applier.applied) ?? 0;
    this.nowMs = options.clock.monotonicMs();
    this.#startMs = this.nowMs;
    const [seqNonce, readNonce] = options.nonces;
    // Stays a safe integer for more calls than a process can live to make.
    this.proposals = new Proposals(this, seqNonce * 2 ** 20 + 1);
    this.reads = new LinearizableReads(this, readNonce, () => this.wake());
    const { transport, log, applier, events } = options;
    this.#outbox = new Outbox(transport, (message) => events.onSnapshotOut(message));
    this.#appendThread = new AppendThread({
      log,
      install: (message) => events.onInstall(message),
      complete: (message) => this.#complete(message),
      feed: (work) => this.feed(work),
      durable: (index) => applier.logDurable(index),
      installed: ({ snapshot }) => {
        this.#appliedTerm = snapshot?.metadata.term ?? this.#appliedTerm;
      },
      stopped: () => this.#stopped,
      fatal: (error) => this.#fatal(error),
    });
  }

  // What proposals and reads need.

  append(datas: readonly Uint8Array[]): ProposeOutcome {
    return this.#raft.propose(datas);
  }

  changeMembers(data: Uint8Array): Refusal | undefined {
    return this.#options.changeMembers(data);
  }

  forward(lead: number, proposals: readonly WireProposal[]): boolean {
    const { transport } = this.#options;
    if (!transport.isReady(lead)) return false;
    for (const frame of proposalFrames(proposals)) transport.queueFrame(lead, frame);
    return true;
  }

  hears(member: number): boolean {
    return this.#options.transport.isReady(member);
  }

  refuse(member: number, reason: Refusal, seqs: readonly number[]): void {
    this.#options.transport.queueFrame(member, refusalFrame(reason, seqs));
  }

  readIndex(context: Uint8Array): boolean {
    return this.#raft.readIndex(context);
  }

  get applied(): number {
    return this.#options.applier.applied;
  }

  // Inputs.

  /** Runs `input` on the node and lets the turn end with a ready cycle. */
  feed(input: (raft: RawNode) => void): void {
    if (this.#stopped) return;
    this.#passTime();
    try {
      input(this.#raft);
    } catch (error) {
      this.#fatal(error);
    }
    this.wake();
  }

  /** Messages of a peer. */
  receive(messages: readonly Message[]): void {
    this.feed((raft) => {
      for (const message of messages) raft.step(message);
    });
  }

  /** A member's process has ended. True if this one is the first to follow it as the leader. */
  tellGone(id: number): boolean {
    let isFirst = false;
    this.feed((raft) => {
      isFirst = raft.peerGone(id);
    });
    return isFirst;
  }

  /** Campaigns, unless there is a leader. */
  campaign(): void {
    if (this.lead === NO_NODE) this.feed((raft) => raft.campaign());
  }

  /** One tick of the raft clock. */
  tick(): void {
    this.#ticks++;
    this.feed((raft) => {
      raft.tick();
      this.proposals.tick(this.nowMs);
      this.reads.tick(this.nowMs, this.lead !== NO_NODE);
      this.#options.transport.flushIdle();
    });
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Asks for a ready cycle at the end of this turn. */
  wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  /** Resolves nothing any more; what waits fails with `error`. */
  stop(error: Parameters<LinearizableReads["stop"]>[0]): void {
    this.#stopped = true;
    this.proposals.stop(error);
    this.reads.stop(error);
  }

  /**
   * Reads the clock, and tells raft of time that no tick came for (a busy loop, a stopped
   * process): leases have run on meanwhile.
   */
  #passTime(): void {
    this.nowMs = this.#options.clock.monotonicMs();
    const missed = Math.floor((this.nowMs - this.#startMs) / TICK_MS) - this.#ticks;
    if (missed <= 0) return;
    this.#ticks += missed;
    this.#raft.elapse(missed);
  }

  // The turn.

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    this.#passTime();
    try {
      this.proposals.submit();
      this.reads.start(this.nowMs);
      this.#options.events.onTurn();
      this.#cycle();
      if (this.#options.applier.housekeep()) this.wake();
    } catch (error) {
      this.#fatal(error);
    }
  }

  #cycle(): void {
    const raft = this.#raft;
    const { transport, clock } = this.#options;
    const endMs = this.nowMs + APPLY_BUDGET_MS;
    for (;;) {
      while (raft.hasReady()) this.#carryOut(raft.ready());
      // The network first: the others' way to their disks is the longer one.
      transport.flush();
      if (!this.#applyNext()) break;
      if (clock.monotonicMs() > endMs) {
        this.wake();
        break;
      }
    }
    transport.flush();
  }

  #carryOut(ready: Ready): void {
    if (ready.hardState !== null) {
      this.term = ready.hardState.term;
      this.commit = ready.hardState.commit;
    }
    if (ready.softState !== null) this.#observe(ready.softState);
    if (ready.messages.length > 0) this.#outbox.send(ready.messages);
    if (ready.storageAppend !== null) this.#appendThread.store(ready);
    if (ready.storageApply !== null) this.#toApply.push(ready.storageApply);
    for (const { index, context } of ready.readStates) {
      if (this.reads.confirm(index, context)) this.reads.start(this.nowMs);
    }
  }

  #observe(soft: SoftState): void {
    const before = this.lead;
    this.role = soft.raftState;
    this.lead = soft.lead;
    if (soft.lead === before) return;
    this.leaderChanges++;
    this.#options.events.onLeader(soft.lead, this.term);
    this.reads.leaderChanged();
    this.proposals.retry();
  }

  #complete(message: Message): void {
    const others = this.#raft.completeStorage(message);
    if (others.length > 0) this.#outbox.send(others);
  }

  // The apply thread.

  /** Applies the next batch that raft has handed out; false when there is none to apply. */
  #applyNext(): boolean {
    const { applier } = this.#options;
    if (applier.blocked) return false;
    const message = this.#toApply.shift();
    if (message === undefined) return false;
    // An installed snapshot may hold what was handed out before it.
    const { entries } = message;
    const stale = (entries[0]?.index ?? 0) <= applier.applied;
    applier.apply(stale ? entries.filter((entry) => entry.index > applier.applied) : entries);
    this.reads.applied(applier.applied);
    const term = message.entries.at(-1)?.term ?? 0;
    if (term > this.#appliedTerm) {
      this.#appliedTerm = term;
      this.proposals.termApplied(term);
      if (term === this.term && this.role === RaftState.leader)
        this.#options.events.onLeading(term);
    }
    this.#complete(message);
    return true;
  }

  #fatal(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#options.events.onFatal(error);
  }
}
