import type { Clock } from "../../shared/clock.js";
import { APPLY_BUDGET_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { DurableLog } from "../log/durable-log.js";
import {
  proposalFrames,
  type Refusal,
  refusalFrame,
  type WireProposal,
} from "../peer/proposal-wire.js";
import type { PeerTransport } from "../peer/transport.js";
import {
  type Entry,
  type Message,
  MessageType,
  NO_NODE,
  type ProposeOutcome,
  RaftState,
  type RawNode,
  type Ready,
  type SoftState,
} from "../raft/index.js";
import type { Outcome } from "../store/outcome.js";
import { Proposals, type ProposalTarget } from "./proposals.js";
import { LinearizableReads, type ReadSource } from "./reads.js";

/** Applies committed entries; see Applier. */
export interface EntryApplier {
  apply(entries: readonly Entry[]): void;
  /** Index through which the state is applied. */
  readonly applied: number;
  /** True while the state database is too far behind, or is being replaced. */
  readonly blocked: boolean;
  /** The local log is durable through `index`. */
  logDurable(index: number): void;
  /** Background work of a turn; true while there is more. */
  housekeep(): boolean;
}

/** What the driver hands on. */
export interface DriverEvents {
  /** Another leader is known; NO_NODE when none is. */
  onLeader(lead: number, term: number): void;
  /** This member leads and has applied an entry of its term. */
  onLeading(term: number): void;
  /** The turn ends: what was collected besides proposals and reads is to be queued now. */
  onTurn(): void;
  /** A snapshot is to be sent to `message.to`. */
  onSnapshotOut(message: Message): void;
  /** A received snapshot is to replace log and state; resolves when it has. */
  onInstall(message: Message): Promise<void>;
  /** The node's own rules are broken or its disk is: the member must stop. */
  onFatal(error: unknown): void;
}

export interface DriverOptions {
  readonly self: number;
  readonly raft: RawNode;
  readonly log: DurableLog;
  readonly transport: PeerTransport;
  readonly applier: EntryApplier;
  readonly events: DriverEvents;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Two random integers below 2^32 that this member never had before. */
  readonly nonces: readonly [number, number];
}

/** An append that is on its way to the disk, and what only has to wait for it. */
interface Append {
  readonly message: Message;
  readonly riders: Message[];
}

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
  #scheduled = false;
  #stopped = false;
  #appends: Append[] = [];
  /** Appends that wait for an install to end. */
  #behindInstall: Ready[] | undefined;
  #toApply: Message[] = [];
  #lastAck: Pick<Message, "to" | "term" | "index"> = { to: NO_NODE, term: 0, index: 0 };
  #appliedTerm: number;

  constructor(options: DriverOptions) {
    this.self = options.self;
    this.#options = options;
    this.#raft = options.raft;
    const { hardState } = options.log.initialState();
    this.term = hardState.term;
    this.commit = Math.max(hardState.commit, options.applier.applied);
    this.#appliedTerm = options.log.term(options.applier.applied) ?? 0;
    this.nowMs = options.clock.monotonicMs();
    const [seqNonce, readNonce] = options.nonces;
    // Stays a safe integer for more calls than a process can live to make.
    this.proposals = new Proposals(this, seqNonce * 2 ** 20 + 1);
    this.reads = new LinearizableReads(this, readNonce, () => this.wake());
  }

  // What proposals and reads need.

  append(datas: readonly Uint8Array[]): ProposeOutcome {
    return this.#raft.propose(datas);
  }

  forward(lead: number, proposals: readonly WireProposal[]): boolean {
    const { transport } = this.#options;
    if (!transport.isReady(lead)) return false;
    for (const frame of proposalFrames(proposals)) transport.queueFrame(lead, frame);
    return true;
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
    this.nowMs = this.#options.clock.monotonicMs();
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

  /** One tick of the raft clock. */
  tick(): void {
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

  // The turn.

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    this.nowMs = this.#options.clock.monotonicMs();
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
    if (ready.messages.length > 0) this.#send(ready.messages);
    if (ready.storageAppend !== null) this.#store(ready);
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

  #send(messages: readonly Message[]): void {
    const { transport, events } = this.#options;
    for (const message of messages) {
      if (message.type === MessageType.snap) events.onSnapshotOut(message);
      else if (this.#saysNothingNew(message)) transport.queueIdle(message);
      else transport.queueMessage(message);
    }
  }

  /**
   * Whether a message acknowledges what was acknowledged before: the answer to a new
   * commit index, which comes with every batch. A leader that is probing does wait for
   * it, so it goes out with the next message or tick, but not by itself.
   */
  #saysNothingNew(message: Message): boolean {
    if (message.type !== MessageType.appResp || message.reject) return false;
    const { to, term, index } = message;
    const last = this.#lastAck;
    if (last.to === to && last.term === term && last.index === index) return true;
    this.#lastAck = message;
    return false;
  }

  // The append thread.

  #store(ready: Ready): void {
    const message = ready.storageAppend as Message;
    if (this.#behindInstall !== undefined) {
      this.#behindInstall.push(ready);
    } else if (message.snapshot !== null) {
      this.#install(message);
    } else if (ready.mustSync) {
      this.#append(message);
    } else {
      // Nothing that anyone was promised: the log writes it some time, and it keeps its place.
      if (message.hardState !== null) this.#options.log.append(message, () => {});
      const last = this.#appends.at(-1);
      if (last === undefined) this.#complete(message);
      else last.riders.push(message);
    }
  }

  #append(message: Message): void {
    const append: Append = { message, riders: [] };
    this.#appends.push(append);
    this.#options.log.append(message, () => this.#durable(append));
  }

  #durable(append: Append): void {
    if (this.#stopped) return;
    this.#appends.shift();
    this.feed(() => {
      this.#complete(append.message);
      for (const rider of append.riders) this.#complete(rider);
      this.#options.applier.logDurable(this.#options.log.durableIndex);
    });
  }

  #complete(message: Message): void {
    const others = this.#raft.completeStorage(message);
    if (others.length > 0) this.#send(others);
  }

  /** Appends before this one are superseded by the snapshot, but their order is kept. */
  #install(message: Message): void {
    const behind: Ready[] = [];
    this.#behindInstall = behind;
    this.#options.events.onInstall(message).then(
      () => {
        if (this.#stopped) return;
        this.#behindInstall = undefined;
        this.feed(() => {
          this.#appliedTerm = message.snapshot?.metadata.term ?? this.#appliedTerm;
          this.#append(message);
          for (const ready of behind) this.#store(ready);
        });
      },
      (error: unknown) => this.#fatal(error),
    );
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
