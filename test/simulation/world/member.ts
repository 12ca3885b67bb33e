import {
  type ConfChange,
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryType,
  type MemoryStorage,
  type Message,
  MessageType,
  type RaftConfig,
  RaftState,
  RawNode,
  type ReadState,
  type Snapshot,
  type TraceEvent,
} from "../../../regional/raft/index.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import type { RaftChecker } from "./checker.js";
import type { SimDisk } from "./disk.js";
import { LogView } from "./log-view.js";
import { Machine } from "./machine.js";

/** What a member asks of the world around it. */
export interface MemberHost {
  /** Sends a message to its peer. */
  send(message: Message): void;
  /** The disk has writes to sync; diskDone() is to be called when it has. */
  startSync(member: SimMember): void;
  /** There are entries to apply; applyDone() is to be called when they are. */
  startApply(member: SimMember): void;
  /** An entry was applied here; there is an outcome unless it changed the membership. */
  applied(member: SimMember, entry: Entry, outcome: Outcome | null): void;
  /** A batch was applied, or a state was loaded. */
  advanced(member: SimMember): void;
  readConfirmed(member: SimMember, read: ReadState): void;
  traced(member: SimMember, event: TraceEvent): void;
}

export type NodeSettings = Omit<
  RaftConfig,
  "id" | "storage" | "applied" | "asyncStorageWrites" | "trace"
>;

/** What a member is made of. */
export interface MemberParts {
  readonly id: number;
  readonly settings: NodeSettings;
  /** Entries that it keeps in its log behind its checkpoint, for slow followers. */
  readonly logMargin: number;
  readonly disk: SimDisk;
  readonly host: MemberHost;
  readonly checker: RaftChecker;
}

/** One life of a member, from a start to a crash: the real core on a simulated disk. */
export class SimMember {
  readonly id: number;
  readonly node: RawNode;
  /** Ticks of this life. */
  ticks = 0;
  /** The term it leads; 0 if it doesn't lead. */
  leads = 0;
  /** Term of the last leader's request to take over. */
  #askedToLead = 0;
  #machine: Machine;
  readonly #parts: MemberParts;
  readonly #storage: MemoryStorage;
  readonly #view: LogView;
  #appends: Message[] = [];
  #syncing = 0;
  #applies: Message[] = [];
  #applying = false;
  #commit: number;
  #term: number;
  #elected = 0;

  constructor(parts: MemberParts) {
    const { id, settings, disk, host, checker } = parts;
    this.id = id;
    this.#parts = parts;
    this.#storage = disk.load();
    this.#machine = Machine.load(disk.checkpoint.data);
    checker.installs(id, disk.checkpoint.metadata.index, disk.checkpoint.metadata.term);
    const base = this.#storage.firstIndex() - 1;
    this.#view = new LogView(base, this.#storage.term(base) ?? 0);
    const stored = this.#storage.entries(base + 1, this.#storage.lastIndex() + 1, Infinity) ?? [];
    checker.appended(id, this.#view, stored);
    const { hardState } = this.#storage.initialState();
    this.#commit = Math.max(hardState.commit, this.#machine.index);
    this.#term = hardState.term;
    checker.committed(id, this.#view, base, this.#commit, this.#term, this.#machine.conf);
    this.node = new RawNode({
      ...settings,
      id,
      storage: this.#storage,
      applied: this.#machine.index,
      asyncStorageWrites: true,
      trace: (event) => this.#traced(event),
    });
    host.advanced(this);
  }

  /** The state machine, as far as it is applied. */
  get machine(): Machine {
    return this.#machine;
  }

  /** Index of the last entry in this member's log, durable or not. */
  get lastIndex(): number {
    return this.#view.lastIndex;
  }

  get term(): number {
    return this.#term;
  }

  /** True if it leads because the leader before asked it to. */
  get tookOver(): boolean {
    return this.leads > 0 && this.leads === this.#askedToLead + 1;
  }

  /** A message from a peer has come. */
  receive(message: Message): void {
    if (message.type === MessageType.timeoutNow) this.#askedToLead = message.term;
    this.node.step(message);
    this.drain();
  }

  tick(): void {
    this.ticks++;
    this.node.tick();
    this.drain();
  }

  /** The process goes on after a pause: first of all it learns how much time has passed. */
  wake(missedTicks: number): void {
    this.node.elapse(missedTicks);
  }

  /** Carries out everything the node wants done; called after each input to it. */
  drain(): void {
    const { checker, host } = this.#parts;
    while (this.node.hasReady()) {
      const ready = this.node.ready();
      if (ready.snapshot !== null) this.#viewSnapshot(ready.snapshot);
      checker.appended(this.id, this.#view, ready.entries);
      if (ready.hardState !== null) this.#noteHardState(ready.hardState);
      if (this.#elected > 0) {
        checker.leaderElected(this.id, this.#elected, this.#view);
        this.#elected = 0;
      }
      for (const message of ready.messages) host.send(message);
      if (ready.storageAppend !== null) this.append(ready.storageAppend);
      if (ready.storageApply !== null) this.#apply(ready.storageApply);
      for (const read of ready.readStates) host.readConfirmed(this, read);
    }
  }

  /** Hands a write to the disk. */
  append(message: Message): void {
    const { entries, snapshot, hardState } = message;
    this.#parts.disk.write({ entries, hardState, snapshot });
    this.#appends.push(message);
    this.#startSync();
  }

  /** The disk has synced what was written when it began. */
  diskDone(): void {
    this.#parts.disk.sync(this.#syncing);
    const done = this.#appends.splice(0, this.#syncing);
    this.#syncing = 0;
    for (const message of done) this.#appended(message);
    this.#startSync();
    this.drain();
  }

  /** The oldest batch of entries has been applied. */
  applyDone(): void {
    const message = this.#applies.shift();
    if (message === undefined) return;
    for (const entry of message.entries) {
      // A snapshot was installed meanwhile, and this entry is part of it.
      if (entry.index > this.#machine.index) this.#applyEntry(entry);
    }
    this.#machine.endBatch();
    this.#parts.host.advanced(this);
    this.respond(message);
    this.#applying = false;
    this.#startApply();
    this.drain();
  }

  /** Puts a membership change into effect. */
  changeMembership(change: ConfChange, index: number): ConfState {
    return this.node.applyConfChange(change, index);
  }

  /** Delivers what a finished write or apply allows. */
  respond(message: Message): void {
    for (const response of this.node.completeStorage(message)) this.#parts.host.send(response);
  }

  /**
   * Makes the applied state durable and drops the log behind it, but for a margin. True if
   * something was dropped.
   */
  checkpoint(): boolean {
    const { disk, logMargin } = this.#parts;
    const { index } = this.#machine;
    if (index <= disk.checkpoint.metadata.index || this.#installing()) return false;
    const { conf } = this.#machine;
    disk.saveCheckpoint(this.#storage.createSnapshot(index, conf, this.#machine.image()));
    const through = Math.min(index - logMargin, this.#storage.lastIndex());
    if (through < this.#storage.firstIndex()) return false;
    this.#storage.compact(through);
    disk.compact(through);
    return true;
  }

  #traced(event: TraceEvent): void {
    if (event.kind === "role") {
      const elected = event.state === RaftState.leader;
      this.leads = elected ? event.term : 0;
      if (elected) this.#elected = event.term;
    }
    this.#parts.host.traced(this, event);
  }

  #installing(): boolean {
    return this.#appends.some((message) => message.snapshot !== null);
  }

  #viewSnapshot(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    this.#view.reset(index, term);
    this.#commit = index;
  }

  #noteHardState(hardState: { readonly term: number; readonly commit: number }): void {
    this.#term = hardState.term;
    const { commit } = hardState;
    if (commit <= this.#commit) return;
    const { conf } = this.#machine;
    this.#parts.checker.committed(this.id, this.#view, this.#commit, commit, this.#term, conf);
    this.#commit = commit;
  }

  #appended(message: Message): void {
    const { snapshot, entries, hardState } = message;
    if (snapshot !== null) {
      this.#storage.applySnapshot(snapshot);
      this.#parts.checker.installs(this.id, snapshot.metadata.index, snapshot.metadata.term);
      this.#machine = Machine.load(snapshot.data);
      this.#parts.host.advanced(this);
    }
    this.#storage.append(entries);
    if (hardState !== null) this.#storage.setHardState(hardState);
    this.respond(message);
  }

  #applyEntry(entry: Entry): void {
    const { host, checker } = this.#parts;
    checker.applies(this.id, entry);
    let outcome: Outcome | null = null;
    if (entry.type === EntryType.normal) outcome = this.#machine.apply(entry);
    else {
      const change = decodeConfChange(entry);
      this.#machine.applyConf(entry, change, () => this.changeMembership(change, entry.index));
    }
    host.applied(this, entry, outcome);
  }

  #apply(message: Message): void {
    this.#applies.push(message);
    this.#startApply();
  }

  #startSync(): void {
    if (this.#syncing > 0 || this.#appends.length === 0) return;
    this.#syncing = this.#appends.length;
    this.#parts.host.startSync(this);
  }

  #startApply(): void {
    if (this.#applying || this.#applies.length === 0) return;
    this.#applying = true;
    this.#parts.host.startApply(this);
  }
}
