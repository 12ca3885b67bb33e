import {
  decodeConfChange,
  type Entry,
  EntryType,
  MemoryStorage,
  type Message,
  MessageType,
  makeMessage,
  type RaftConfig,
  RawNode,
  type ReadState,
  type Snapshot,
  type TraceEvent,
} from "../../../regional/raft/index.js";

export const ELECTION_TICKS = 10;
/** Index of the snapshot that every test node starts from, of term 1. */
export const START_INDEX = 1;

export type Settings = Partial<Omit<RaftConfig, "id" | "storage">>;

/** A membership of plain voters, and learners. */
export function confOf(voters: readonly number[], learners: readonly number[] = []) {
  return { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array | null): string {
  return new TextDecoder().decode(data ?? undefined);
}

export function normal(term: number, index: number, data = ""): Entry {
  return { term, index, type: EntryType.normal, data: bytes(data) };
}

/** Storage with the start snapshot and these entries after it. */
export function storageWith(voters: readonly number[], entries: readonly Entry[] = [], term = 0) {
  const storage = new MemoryStorage();
  const metadata = { index: START_INDEX, term: 1, confState: confOf(voters) };
  storage.applySnapshot({ data: new Uint8Array(0), metadata });
  storage.append(entries);
  storage.setHardState({ term, vote: 0, commit: START_INDEX });
  return storage;
}

/** A configuration with small, fixed settings; timeouts are not random. */
export function configOf(id: number, storage: MemoryStorage, settings: Settings = {}): RaftConfig {
  return {
    id,
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: 1,
    storage,
    applied: START_INDEX,
    asyncStorageWrites: true,
    maxSizePerMessage: 1 << 20,
    maxInflightMessages: 64,
    random: () => 0,
    ...settings,
  };
}

/** A node whose disk and state machine can be held back. */
export class TestNode {
  readonly id: number;
  readonly storage: MemoryStorage;
  readonly raw: RawNode;
  readonly sent: Message[] = [];
  readonly appends: Message[] = [];
  readonly applies: Message[] = [];
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];
  readonly events: TraceEvent[] = [];
  readonly snapshots: Snapshot[] = [];
  holdDisk = false;
  holdApply = false;

  constructor(id: number, storage: MemoryStorage, settings: Settings = {}) {
    this.id = id;
    this.storage = storage;
    const trace = (event: TraceEvent): void => {
      this.events.push(event);
    };
    this.raw = new RawNode({ ...configOf(id, storage, settings), trace });
  }

  get status() {
    return this.raw.status();
  }

  step(message: Parameters<typeof makeMessage>[0]): void {
    this.raw.step(makeMessage(message));
    this.drain();
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.raw.tick();
      this.drain();
    }
  }

  propose(...datas: string[]) {
    const outcome = this.raw.propose(datas.map(bytes));
    this.drain();
    return outcome;
  }

  /** Carries out what the node wants, as far as disk and state machine are not held back. */
  drain(): void {
    while (this.raw.hasReady()) {
      const ready = this.raw.ready();
      this.sent.push(...ready.messages);
      this.reads.push(...ready.readStates);
      if (ready.storageAppend !== null) this.appends.push(ready.storageAppend);
      if (ready.storageApply !== null) this.applies.push(ready.storageApply);
      if (!this.holdDisk) this.sync();
      if (!this.holdApply) this.apply();
    }
  }

  /** Finishes the oldest writes: all of them, or `count`. */
  sync(count = this.appends.length): void {
    for (const message of this.appends.splice(0, count)) {
      if (message.snapshot !== null) {
        this.storage.applySnapshot(message.snapshot);
        this.snapshots.push(message.snapshot);
      }
      this.storage.append(message.entries);
      if (message.hardState !== null) this.storage.setHardState(message.hardState);
      this.sent.push(...this.raw.completeStorage(message));
    }
  }

  /** Applies all that was handed out. */
  apply(): void {
    for (const message of this.applies.splice(0)) {
      for (const entry of message.entries) {
        if (entry.type !== EntryType.normal) {
          this.raw.applyConfChange(decodeConfChange(entry), entry.index);
        }
        this.applied.push(entry);
      }
      this.sent.push(...this.raw.completeStorage(message));
    }
  }

  /** Takes the messages out of the out-box, only those of `type` if it is given. */
  take(type?: MessageType): Message[] {
    const wanted = this.sent.filter((message) => type === undefined || message.type === type);
    const others = this.sent.filter((message) => type !== undefined && message.type !== type);
    this.sent.splice(0, this.sent.length, ...others);
    return wanted;
  }
}

/** Nodes joined by a network that loses nothing but what a test tells it to. */
export class Group {
  readonly nodes = new Map<number, TestNode>();
  /** Messages for which this is true are lost. */
  lose: (message: Message) => boolean = () => false;

  /** @param own settings of one node only */
  constructor(
    ids: readonly number[],
    settings: Settings = {},
    voters: readonly number[] = ids,
    own: (id: number) => Settings = () => ({}),
  ) {
    for (const id of ids) {
      const all = { ...settings, ...own(id) };
      this.nodes.set(id, new TestNode(id, storageWith(voters), all));
    }
  }

  node(id: number): TestNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  /** Delivers messages until there are none left. */
  settle(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const node of this.nodes.values()) {
        node.drain();
        for (const message of node.take()) {
          busy = true;
          if (this.lose(message)) continue;
          const to = this.nodes.get(message.to);
          to?.raw.step(message);
          to?.drain();
        }
      }
    }
  }

  /** Makes a node campaign and settles. */
  elect(id: number): TestNode {
    const node = this.node(id);
    node.raw.campaign();
    this.settle();
    return node;
  }

  /** Ticks every node `count` times, settling after each. */
  tick(count: number, ids: readonly number[] = [...this.nodes.keys()]): void {
    for (let i = 0; i < count; i++) {
      for (const id of ids) this.node(id).tick();
      this.settle();
    }
  }

  /** Cuts a node off from the others, or everybody's ways again with none. */
  isolate(...ids: number[]): void {
    this.lose = (message) => ids.includes(message.from) !== ids.includes(message.to);
    if (ids.length === 0) this.lose = () => false;
  }

  /** Payloads applied by a node, in order, without empty ones. */
  applied(id: number): string[] {
    return this.node(id)
      .applied.map((entry) => text(entry.data))
      .filter((data, i) => data !== "" && this.node(id).applied[i]?.type === EntryType.normal);
  }
}

export const { app, appResp, vote, voteResp, preVote, preVoteResp, heartbeat, heartbeatResp } =
  MessageType;
