import { membersOf } from "../../../regional/member/member-list.js";
import type {
  LeaseStatus,
  MemberInfo,
  NodeAlarm,
  NodeStatus,
  RegionalNode,
} from "../../../regional/node.js";
import { changeMembership } from "../../../regional/raft/membership.js";
import type { ConfChange, ConfState } from "../../../regional/raft/types.js";
import { type CommandKind, encodeCommand } from "../../../regional/store/command.js";
import { confChangeOf, decodeMemberChange } from "../../../regional/store/member-change.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import { RegionState } from "../../../regional/store/state.js";
import { WatchHub } from "../../../regional/watch/hub.js";
import type { AtollError } from "../../../shared/errors.js";
import type { CallContext, Sink } from "../../../shared/rpc/context.js";

const MEMBER_ID = 7;
const PEER_URL = "http://127.0.0.1:1";

/** A member without a group: what is proposed is applied at once, on a real state and hub. */
export class FakeNode implements RegionalNode {
  readonly clusterId = 0xabcdefn;
  readonly memberId = MEMBER_ID;
  readonly name = "fake";
  readonly state = RegionState.origin([
    { id: MEMBER_ID, name: "fake", peerUrls: [PEER_URL], clientUrls: ["http://127.0.0.1:2"] },
  ]);
  readonly watches = new WatchHub(this.state);
  readonly #stopping = new AbortController();
  readonly stopping: AbortSignal = this.#stopping.signal;
  raftTerm = 3;
  hasLeader = true;
  isLearner = false;
  lacksRoom = false;
  alarm: NodeAlarm[] = [];
  /** What calls that need the group are rejected with. */
  failure: AtollError | undefined;
  /** Calls of `linearizable`. */
  reads = 0;
  /** Members to whom leadership was moved. */
  readonly transfers: number[] = [];
  /** Kinds that were proposed. */
  readonly proposed: CommandKind[] = [];
  readonly ttls = new Map<bigint, LeaseStatus>();
  keepAlive: (id: bigint) => Promise<number> = async (id) => this.ttls.get(id)?.grantedTtl ?? 0;
  #index = 0;

  constructor() {
    this.watches.onWork = () => setImmediate(() => this.#pump());
  }

  #pump(): void {
    if (this.watches.pump()) setImmediate(() => this.#pump());
  }

  async propose(kind: CommandKind, body: Uint8Array): Promise<Outcome> {
    this.proposed.push(kind);
    await this.#orFail();
    this.#index += 1;
    const data = encodeCommand(kind, this.memberId, this.#index, body);
    const outcome = this.#apply(data);
    this.watches.dispatch(this.state.takeChanges().rows);
    this.#pump();
    return outcome;
  }

  #apply(data: Uint8Array): Outcome {
    const change = decodeMemberChange(data);
    if (typeof change === "string") return this.state.apply(this.#index, this.raftTerm, data);
    const conf = confChangeOf(change, data);
    const reconfigure = (left: ConfChange): ConfState =>
      changeMembership(this.state.applied.confState, left).conf;
    return this.state.applyConfChange(this.#index, this.raftTerm, conf, reconfigure);
  }

  async #orFail(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
  }

  async linearizable(): Promise<void> {
    this.reads += 1;
    await this.#orFail();
  }

  async leaseKeepAlive(id: bigint): Promise<number> {
    return this.keepAlive(id);
  }

  async leaseTimeToLive(id: bigint): Promise<LeaseStatus> {
    await this.#orFail();
    return this.ttls.get(id) ?? { ttl: -1, grantedTtl: 0 };
  }

  status(): NodeStatus {
    return {
      leader: this.hasLeader ? MEMBER_ID : 0,
      raftTerm: this.raftTerm,
      raftIndex: this.#index + 1,
      raftAppliedIndex: this.#index,
      dbSize: 4096,
      dbSizeInUse: 1024,
      errors: this.hasLeader ? [] : ["etcdserver: no leader"],
    };
  }

  alarms(): readonly NodeAlarm[] {
    return this.alarm;
  }

  members(): readonly MemberInfo[] {
    return membersOf(this.state);
  }

  async moveLeader(id: number): Promise<void> {
    await this.#orFail();
    this.transfers.push(id);
  }

  stop(): void {
    this.#stopping.abort();
  }
}

/** The context of a call of nobody in particular. */
export class FakeContext implements CallContext {
  readonly peer = "test";
  readonly deadlineMs = Infinity;
  readonly bytes: Uint8Array;
  readonly #abort = new AbortController();
  readonly signal: AbortSignal = this.#abort.signal;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(bytes: Uint8Array = new Uint8Array(0), headers: Record<string, string> = {}) {
    this.bytes = bytes;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    return this.#headers[name];
  }

  hangUp(): void {
    this.#abort.abort();
  }
}

/** Collects a stream's messages; it can be slow. */
export class FakeSink<T> implements Sink<T> {
  readonly sent: (T | Uint8Array)[] = [];
  isSlow = false;
  #waiting: (() => void)[] = [];
  #changed = (): void => {};

  send(message: T | Uint8Array): boolean {
    this.sent.push(message);
    this.#changed();
    return !this.isSlow;
  }

  async drained(): Promise<void> {
    if (!this.isSlow) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  drain(): void {
    this.isSlow = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves once that many messages have been sent. */
  async count(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.sent.length >= count) resolve();
      };
      this.#changed();
    });
  }
}

/** Requests of a stream that a test gives one by one. */
export class FakeRequests<T> implements AsyncIterable<T> {
  readonly #queue: T[] = [];
  #isClosed = false;
  #wake = (): void => {};

  push(...requests: T[]): void {
    this.#queue.push(...requests);
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else if (this.#isClosed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
