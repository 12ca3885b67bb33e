import { MAX_BACKEND_QUEUE_BYTES } from "../../shared/limits.js";
import type { Backend } from "../backend/backend.js";
import {
  type ConfChange,
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryType,
} from "../raft/index.js";
import { commandProposer, commandSequence } from "../store/command.js";
import type { Outcome } from "../store/outcome.js";
import type { BackendRecord } from "../store/records.js";
import type { AppliedPosition, LeaseChange, RegionState } from "../store/state.js";
import type { WatchHub } from "../watch/hub.js";
import type { EntryApplier } from "./driver-contract.js";

/** What the applier works on and whom it tells. */
export interface ApplierOptions {
  readonly self: number;
  readonly state: RegionState;
  readonly hub: WatchHub;
  /** The current state database; another one after an install. */
  readonly backend: () => Backend;
  /** Puts a membership change into effect in the raft core. */
  readonly applyConfChange: (change: ConfChange, index: number) => ConfState;
  /** A proposal of this member has its outcome. */
  readonly settle: (seq: number, outcome: Outcome) => void;
  /** Told of the entry at index `next`, or the first one after it, as soon as it is applied. */
  readonly audit: { readonly next: number; applied(index: number): void };
  readonly onLeases: (changes: readonly LeaseChange[]) => void;
  /** Members came, left, or are to be reached elsewhere. */
  readonly onMembership: () => void;
  /** The state database has room again. */
  readonly onUnblocked: () => void;
  /** A state database that fails reports so itself; this is for what must never happen. */
  readonly onFatal: (error: unknown) => void;
}

/** Records of an applied batch that wait for the local log. */
interface Backlog {
  readonly records: readonly BackendRecord[];
  readonly position: AppliedPosition;
}

/**
 * Applies committed entries to the state, answers this member's calls, tells watchers
 * and leases, and hands the records to the state database as soon as the local log is
 * durable that far (an entry may be applied here before).
 */
export class Applier implements EntryApplier {
  readonly #options: ApplierOptions;
  #state: RegionState;
  #backlog: Backlog[] = [];
  #durableIndex: number;
  #blocked = false;
  /** A snapshot is replacing log and state. */
  #suspended = false;
  /** Entries applied since the start, and commands among them that failed. */
  entries = 0;
  failures = 0;
  /** Position of the last batch that was handed to the state database. */
  written: AppliedPosition;

  constructor(options: ApplierOptions, durableIndex: number) {
    this.#options = options;
    this.#state = options.state;
    this.#durableIndex = durableIndex;
    this.written = options.state.applied;
  }

  get state(): RegionState {
    return this.#state;
  }

  get applied(): number {
    return this.#state.applied.index;
  }

  get blocked(): boolean {
    return this.#blocked || this.#suspended;
  }

  apply(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const options = this.#options;
    const { self, applyConfChange, settle, hub, audit, onLeases, onMembership } = options;
    const state = this.#state;
    let membersChanged = false;
    for (const entry of entries) {
      const { index, term, type } = entry;
      const change = type === EntryType.normal ? undefined : decodeConfChange(entry);
      const command = change?.context ?? entry.data;
      const outcome =
        change === undefined
          ? state.apply(index, term, command)
          : state.applyConfChange(index, term, change, (left) => applyConfChange(left, index));
      if (outcome.kind === "error") this.failures++;
      if (outcome.kind === "member" || change !== undefined) membersChanged = true;
      if (commandProposer(command) === self) settle(commandSequence(command), outcome);
      if (index >= audit.next) audit.applied(index);
    }
    this.entries += entries.length;
    const changes = state.takeChanges();
    if (changes.leases.length > 0) onLeases(changes.leases);
    if (changes.rows.length > 0) hub.dispatch(changes.rows);
    if (membersChanged) onMembership();
    this.#backlog.push({ records: changes.records, position: state.applied });
    this.#write();
  }

  logDurable(index: number): void {
    this.#durableIndex = index;
    this.#write();
  }

  /** Hands over what the log is durable for. */
  #write(): void {
    if (this.#suspended) return;
    const backend = this.#options.backend();
    let count = 0;
    for (const { records, position } of this.#backlog) {
      if (position.index > this.#durableIndex) break;
      backend.write(records, position, this.#durableIndex);
      this.written = position;
      count++;
    }
    if (count === this.#backlog.length) this.#backlog = [];
    else if (count > 0) this.#backlog.splice(0, count);
    if (!this.#blocked && backend.pendingBytes > MAX_BACKEND_QUEUE_BYTES) this.#waitFor(backend);
  }

  #waitFor(backend: Backend): void {
    this.#blocked = true;
    backend.drained().then(
      () => {
        this.#blocked = false;
        this.#options.onUnblocked();
      },
      (error: unknown) => this.#options.onFatal(error),
    );
  }

  housekeep(): boolean {
    const watchersBehind = this.#options.hub.pump();
    return this.#state.tidy() || watchersBehind;
  }

  /** Stops applying and writing: a snapshot is about to replace everything. */
  suspend(): void {
    this.#suspended = true;
    this.#backlog = [];
  }

  /** Goes on with the state of a snapshot that was installed. */
  replace(state: RegionState, durableIndex: number): void {
    this.#state = state;
    this.#suspended = false;
    this.#durableIndex = durableIndex;
    this.written = state.applied;
    this.#options.hub.replaceHistory(state);
    this.#options.onMembership();
  }
}
