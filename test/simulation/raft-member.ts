import {
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
} from "../../regional/raft/index.js";
import type { PlantedBug } from "./planted-bugs.js";
import { LogView, type RaftChecker } from "./raft-checker.js";
import type { SimDisk } from "./raft-disk.js";
import { ChainState } from "./raft-state.js";

/** Entries that a member keeps in its log behind its checkpoint, for slow followers. */
const LOG_MARGIN = 8;

/** What a member asks of the world around it. */
export interface MemberHost {
  /** Sends a message to its peer. */
  send(message: Message): void;
  /** The disk has writes to sync; diskDone() is to be called when it has. */
  startSync(member: SimMember): void;
  /** There are entries to apply; applyDone() is to be called when they are. */
  startApply(member: SimMember): void;
  /** An entry was applied here. */
  applied(member: SimMember, entry: Entry): void;
  readConfirmed(member: SimMember, read: ReadState): void;
  traced(member: SimMember, event: TraceEvent): void;
}

export type NodeSettings = Omit<
  RaftConfig,
  "id" | "storage" | "applied" | "asyncStorageWrites" | "trace"
>;

/** One life of a member, from a start to a crash: the real core on a simulated disk. */
export class SimMember {
  readonly id: number;
  readonly node: RawNode;
  readonly state: ChainState;
  readonly #host: MemberHost;
  readonly #checker: RaftChecker;
  readonly #disk: SimDisk;
  readonly #bug: PlantedBug | null;
  readonly #storage: MemoryStorage;
  readonly #view: LogView;
  #appends: Message[] = [];
  #syncing = 0;
  #applies: Message[] = [];
  #applying = false;
  #commit: number;
  #term: number;
  #elected = 0;

  constructor(
    id: number,
    settings: NodeSettings,
    disk: SimDisk,
    host: MemberHost,
    checker: RaftChecker,
    bug: PlantedBug | null,
  ) {
    this.id = id;
    this.#host = host;
    this.#checker = checker;
    this.#disk = disk;
    this.#bug = bug;
    this.#storage = disk.load();
    this.state = ChainState.from(disk.checkpoint);
    checker.applied(id, this.state);
    const base = this.#storage.firstIndex() - 1;
    this.#view = new LogView(base, this.#storage.term(base) ?? 0);
    const stored = this.#storage.entries(base + 1, this.#storage.lastIndex() + 1, Infinity) ?? [];
    checker.appended(id, this.#view, stored);
    const { hardState } = this.#storage.initialState();
    this.#commit = Math.max(hardState.commit, this.state.index);
    this.#term = hardState.term;
    checker.committed(id, this.#view, base, this.#commit, this.#term, this.state.conf);
    this.node = new RawNode({
      ...settings,
      id,
      storage: this.#storage,
      applied: this.state.index,
      asyncStorageWrites: true,
      trace: (event) => {
        if (event.kind === "role" && event.state === RaftState.leader) this.#elected = event.term;
        host.traced(this, event);
      },
    });
  }

  /** Index of the last entry in this member's log, durable or not. */
  get lastIndex(): number {
    return this.#view.lastIndex;
  }

  /** Carries out everything the node wants done; called after each input to it. */
  drain(): void {
    while (this.node.hasReady()) {
      const ready = this.node.ready();
      if (ready.snapshot !== null) this.#viewSnapshot(ready.snapshot);
      this.#checker.appended(this.id, this.#view, ready.entries);
      if (ready.hardState !== null) this.#noteHardState(ready.hardState);
      if (this.#elected > 0) {
        this.#checker.leaderElected(this.id, this.#elected, this.#view);
        this.#elected = 0;
      }
      for (const message of ready.messages) this.#host.send(message);
      if (ready.storageAppend !== null) this.#append(ready.storageAppend);
      if (ready.storageApply !== null) this.#apply(ready.storageApply);
      for (const read of ready.readStates) this.#host.readConfirmed(this, read);
    }
  }

  /** The disk has synced what was written when it began. */
  diskDone(): void {
    this.#disk.sync(this.#syncing);
    const done = this.#appends.splice(0, this.#syncing);
    this.#syncing = 0;
    for (const message of done) this.#appendDone(message);
    this.#startSync();
    this.drain();
  }

  /** The oldest batch of entries has been applied. */
  applyDone(): void {
    const message = this.#applies.shift();
    if (message === undefined) return;
    for (const entry of message.entries) {
      // A snapshot was installed meanwhile, and this entry is part of it.
      if (entry.index <= this.state.index) continue;
      if (entry.type !== EntryType.normal) {
        this.state.conf = this.node.applyConfChange(decodeConfChange(entry), entry.index);
      }
      this.state.apply(entry);
      this.#host.applied(this, entry);
    }
    this.#checker.applied(this.id, this.state);
    this.#respond(message);
    this.#applying = false;
    this.#startApply();
    this.drain();
  }

  /**
   * Makes the applied state durable and drops the log behind it, but for a margin. True if
   * something was dropped.
   */
  checkpoint(): boolean {
    const { index } = this.state;
    if (index <= this.#disk.checkpoint.metadata.index || this.#installing()) return false;
    const made = this.#storage.createSnapshot(index, this.state.conf, this.state.toBytes());
    this.#disk.saveCheckpoint(made);
    const through = Math.min(index - LOG_MARGIN, this.#storage.lastIndex());
    if (through < this.#storage.firstIndex()) return false;
    this.#storage.compact(through);
    this.#disk.compact(through);
    return true;
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
    if (hardState.commit > this.#commit) {
      const conf = this.state.conf;
      this.#checker.committed(
        this.id,
        this.#view,
        this.#commit,
        hardState.commit,
        this.#term,
        conf,
      );
      this.#commit = hardState.commit;
    }
  }

  #append(message: Message): void {
    const { entries, snapshot } = message;
    const hardState =
      message.hardState !== null && this.#bug === "forget-vote"
        ? { ...message.hardState, vote: 0 }
        : message.hardState;
    this.#disk.write({ entries, hardState, snapshot });
    this.#appends.push(message);
    if (this.#bug === "ack-before-sync") {
      for (const response of message.responses) {
        if (response.type === MessageType.storageAppendResp) continue;
        if (response.to === this.id) this.node.step(response);
        else this.#host.send(response);
      }
    }
    this.#startSync();
  }

  #appendDone(message: Message): void {
    if (message.snapshot !== null) {
      this.#storage.applySnapshot(message.snapshot);
      const restored = ChainState.from(message.snapshot);
      this.state.index = restored.index;
      this.state.chain = restored.chain;
      this.state.conf = restored.conf;
      this.#checker.applied(this.id, this.state);
    }
    this.#storage.append(message.entries);
    if (message.hardState !== null) this.#storage.setHardState(message.hardState);
    if (this.#bug !== "ack-before-sync") this.#respond(message);
    else {
      for (const response of message.responses) {
        if (response.type === MessageType.storageAppendResp) this.node.step(response);
      }
    }
  }

  #apply(message: Message): void {
    this.#applies.push(message);
    this.#startApply();
  }

  #respond(message: Message): void {
    for (const response of this.node.completeStorage(message)) this.#host.send(response);
  }

  #startSync(): void {
    if (this.#syncing > 0 || this.#appends.length === 0) return;
    this.#syncing = this.#appends.length;
    this.#host.startSync(this);
  }

  #startApply(): void {
    if (this.#applying || this.#applies.length === 0) return;
    this.#applying = true;
    this.#host.startApply(this);
  }
}
