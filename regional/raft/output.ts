import type { Core } from "./core.js";
import { type Message, MessageType, makeMessage, NO_MESSAGES } from "./message.js";
import type { Ready } from "./ready.js";
import {
  APPEND_THREAD,
  APPLY_THREAD,
  type Entry,
  type HardState,
  type RaftState,
  type ReadState,
  type Snapshot,
} from "./types.js";

const NO_READ_STATES: readonly ReadState[] = [];

/** Makes Readys, remembering what the driver has been told. */
export class Output {
  readonly #core: Core;
  readonly #async: boolean;
  #term: number;
  #vote: number;
  #commit: number;
  #lead: number;
  #state: RaftState;
  /** Synchronous storage: what the node steps when the Ready has been carried out. */
  #onAdvance: Message[] = [];

  constructor(core: Core) {
    this.#core = core;
    this.#async = core.config.asyncStorageWrites;
    this.#term = core.term;
    this.#vote = core.vote;
    this.#commit = core.log.committed;
    this.#lead = core.lead;
    this.#state = core.state;
  }

  hasReady(): boolean {
    const core = this.#core;
    const log = core.log;
    return (
      core.messages.length > 0 ||
      core.afterAppend.length > 0 ||
      log.unstable.hasNextEntries() ||
      this.#hardStateChanged() ||
      log.hasNextCommitted(!this.#async) ||
      core.readStates.length > 0 ||
      this.#softStateChanged() ||
      log.unstable.nextSnapshot() !== null
    );
  }

  /** Everything there is to do now; it counts as handed over. */
  take(): Ready {
    const core = this.#core;
    const { log } = core;
    const entries = log.unstable.nextEntries();
    const snapshot = log.unstable.nextSnapshot();
    const committedEntries = log.nextCommitted(!this.#async);
    const mustSync = entries.length > 0 || core.term !== this.#term || core.vote !== this.#vote;
    const hardState = this.#hardStateChanged()
      ? { term: core.term, vote: core.vote, commit: log.committed }
      : null;
    const softState = this.#softStateChanged() ? { lead: core.lead, raftState: core.state } : null;
    const readStates = core.readStates.length > 0 ? core.readStates : NO_READ_STATES;
    const reported = this.#appendResponse(snapshot);
    const applied = this.#applyResponse(committedEntries);
    const ready: Ready = {
      softState,
      hardState,
      readStates,
      entries,
      snapshot,
      committedEntries,
      messages: core.messages,
      storageAppend: this.#async
        ? this.#storageAppend(entries, hardState, snapshot, reported)
        : null,
      storageApply: this.#async ? this.#storageApply(committedEntries, applied) : null,
      mustSync,
    };
    if (!this.#async) this.#deferResponses(reported, applied);
    this.#accept(committedEntries);
    return ready;
  }

  /** The node's own responses of a Ready that has been carried out (synchronous storage). */
  takeDeferred(): readonly Message[] {
    const deferred = this.#onAdvance;
    this.#onAdvance = [];
    return deferred;
  }

  get owesAdvance(): boolean {
    return this.#onAdvance.length > 0;
  }

  #hardStateChanged(): boolean {
    const core = this.#core;
    return (
      core.log.committed !== this.#commit || core.term !== this.#term || core.vote !== this.#vote
    );
  }

  #softStateChanged(): boolean {
    return this.#core.lead !== this.#lead || this.#core.state !== this.#state;
  }

  /**
   * The report that the log is durable through its present end. Also with a Ready that
   * brings no entries while some are still being written: after a change of term this is the
   * report that counts for entries written under the earlier one (whose own is ignored).
   */
  #appendResponse(snapshot: Snapshot | null): Message | null {
    const { log, term, id } = this.#core;
    const hasEntries = log.unstable.hasEntries;
    if (!hasEntries && snapshot === null) return null;
    return makeMessage({
      type: MessageType.storageAppendResp,
      to: id,
      from: APPEND_THREAD,
      term,
      index: hasEntries ? log.lastIndex() : 0,
      logTerm: hasEntries ? log.lastTerm() : 0,
      snapshot,
    });
  }

  #applyResponse(entries: readonly Entry[]): Message | null {
    if (entries.length === 0) return null;
    const type = MessageType.storageApplyResp;
    return makeMessage({ type, to: this.#core.id, from: APPLY_THREAD, entries });
  }

  #storageAppend(
    entries: readonly Entry[],
    hardState: HardState | null,
    snapshot: Snapshot | null,
    response: Message | null,
  ): Message | null {
    const core = this.#core;
    const waiting = core.afterAppend;
    if (entries.length === 0 && !hardState && !snapshot && waiting.length === 0) return null;
    // The leader's own acknowledgement comes before the report that lets go of the entries,
    // so that handling it finds their terms at hand.
    if (response !== null) waiting.push(response);
    return makeMessage({
      type: MessageType.storageAppend,
      to: APPEND_THREAD,
      from: core.id,
      entries,
      hardState,
      snapshot,
      responses: waiting.length > 0 ? waiting : NO_MESSAGES,
    });
  }

  #storageApply(entries: readonly Entry[], response: Message | null): Message | null {
    if (response === null) return null;
    return makeMessage({
      type: MessageType.storageApply,
      to: APPLY_THREAD,
      from: this.#core.id,
      entries,
      responses: [response],
    });
  }

  #deferResponses(reported: Message | null, applied: Message | null): void {
    const core = this.#core;
    for (const message of core.afterAppend) {
      if (message.to === core.id) this.#onAdvance.push(message);
      else core.messages.push(message);
    }
    if (reported !== null) this.#onAdvance.push(reported);
    if (applied !== null) this.#onAdvance.push(applied);
  }

  #accept(committedEntries: readonly Entry[]): void {
    const core = this.#core;
    this.#term = core.term;
    this.#vote = core.vote;
    this.#commit = core.log.committed;
    this.#lead = core.lead;
    this.#state = core.state;
    core.messages = [];
    core.afterAppend = [];
    if (core.readStates.length > 0) core.readStates = [];
    core.reads.seal();
    core.log.unstable.handOut();
    core.log.acceptApplying(committedEntries, !this.#async);
  }
}
