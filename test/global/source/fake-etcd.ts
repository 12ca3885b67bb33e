import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageShape } from "@bufbuild/protobuf";
import { type BinaryKey, toBinaryKey } from "../../../shared/bytes.js";
import { AtollError } from "../../../shared/errors.js";
import {
  type Compare,
  Compare_CompareTarget,
  KV,
  Maintenance,
  type RangeRequest,
  RangeResponseSchema,
  type RequestOp,
  type ResponseHeader,
  ResponseHeaderSchema,
  type ResponseOp,
  ResponseOpSchema,
  StatusResponseSchema,
  Watch,
  type WatchCreateRequest,
  type WatchRequest,
  WatchResponseSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { Event_EventType, EventSchema } from "../../../shared/gen/etcd/mvccpb/kv_pb.js";
import type { Sink } from "../../../shared/rpc/context.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { type Change, FakeStore, isIn } from "./fake-store.js";

type Response = MessageShape<typeof WatchResponseSchema>;

/** How a fake member misbehaves; changed while it runs. */
export interface Faults {
  /** Linearizable calls hang, as on a member that lost its quorum. */
  hangs: boolean;
  /** The watch says nothing more, and goes on later. */
  stalls: boolean;
  /** Revisions that a watch leaves out, once each. */
  readonly omits: Set<number>;
  /** Answers of more bytes are refused, as a client's limit does. */
  maxAnswerBytes: number;
  /** What each key of a range's answer takes, in milliseconds. */
  msPerKey: number;
  /** Events in one fragment of a watch response; 0 for no fragments. */
  fragmentEvents: number;
  /** Linearizable reads answer from this revision. */
  readsAt: number | undefined;
}

/** One member of a fake etcd: etcd's wire on a free port, a store, and faults at will. */
export class FakeMember {
  readonly faults: Faults = {
    hangs: false,
    stalls: false,
    omits: new Set(),
    maxAnswerBytes: Number.POSITIVE_INFINITY,
    msPerKey: 0,
    fragmentEvents: 0,
    readsAt: undefined,
  };
  /** Range requests answered. */
  ranges = 0;
  store: FakeStore;
  /** What Maintenance.Status says; undefined where there is no such call. */
  version: string | undefined;
  /** Ends each open watch stream. */
  readonly #watches = new Set<() => void>();
  #server: RpcServer | undefined;
  #address = "127.0.0.1:0";

  constructor(store: FakeStore) {
    this.store = store;
  }

  get endpoint(): string {
    return this.#address;
  }

  /** Listens; after a stop on the same port. */
  async start(): Promise<this> {
    const server = new RpcServer({ observe: undefined, report: () => {} });
    server.add(KV, {
      range: async (request) => {
        await this.#gate();
        this.ranges++;
        const answer = this.#range(request);
        await sleep(answer.kvs.length * this.faults.msPerKey);
        return answer;
      },
      txn: async ({ compare, success, failure }) => {
        await this.#gate();
        const succeeded = compare.every((each) => this.#holds(each));
        const ops = succeeded ? success : failure;
        this.store.transact((write) => {
          for (const { request } of ops) {
            if (request.case !== "requestPut") continue;
            write(toBinaryKey(request.value.key), request.value.value);
          }
        });
        const responses = ops.map((op) => this.#answer(op));
        return {
          $typeName: "etcdserverpb.TxnResponse",
          header: this.#header(),
          succeeded,
          responses,
        };
      },
    });
    server.add(Watch, { watch: (requests, sink) => this.#watch(requests, sink) });
    server.add(Maintenance, {
      status: () => {
        if (this.version === undefined) throw new AtollError("UNIMPLEMENTED", "no status");
        return create(StatusResponseSchema, { header: this.#header(), version: this.version });
      },
    });
    const port = await server.listen(this.#address);
    this.#address = `127.0.0.1:${port}`;
    this.#server = server;
    return this;
  }

  /** Goes away, with all its connections. */
  async stop(): Promise<void> {
    for (const end of this.#watches) end();
    await this.#server?.stop(0);
    this.#server = undefined;
  }

  /** A call on a member without quorum never ends by itself. */
  async #gate(): Promise<void> {
    while (this.faults.hangs) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #header(revision = this.store.revision): ResponseHeader {
    const { clusterId } = this.store;
    return create(ResponseHeaderSchema, {
      clusterId,
      memberId: 1n,
      revision: BigInt(revision),
      raftTerm: 2n,
    });
  }

  #range(request: RangeRequest): MessageShape<typeof RangeResponseSchema> {
    const now = this.faults.readsAt ?? this.store.revision;
    const revision = request.revision === 0n ? now : Number(request.revision);
    const all = this.store.range(toBinaryKey(request.key), toBinaryKey(request.rangeEnd), revision);
    const limit = request.limit === 0n ? all.length : Number(request.limit);
    const kvs = request.countOnly ? [] : all.slice(0, limit);
    const bytes = kvs.reduce((sum, kv) => sum + kv.value.length, 0);
    if (bytes > this.faults.maxAnswerBytes) {
      throw new AtollError("RESOURCE_EXHAUSTED", `Received message larger than max (${bytes})`);
    }
    return create(RangeResponseSchema, {
      header: this.#header(now),
      kvs,
      more: kvs.length < all.length,
      count: BigInt(all.length),
    });
  }

  #answer(op: RequestOp): ResponseOp {
    if (op.request.case !== "requestRange") return create(ResponseOpSchema, {});
    const value = this.#range(op.request.value);
    return create(ResponseOpSchema, { response: { case: "responseRange", value } });
  }

  #holds({ key, target, targetUnion }: Compare): boolean {
    const kv = this.store.range(toBinaryKey(key), "", this.store.revision)[0];
    switch (target) {
      case Compare_CompareTarget.VALUE:
        return (
          kv !== undefined &&
          targetUnion.case === "value" &&
          Buffer.compare(kv.value, targetUnion.value) === 0
        );
      case Compare_CompareTarget.MOD:
        return (kv?.modRevision ?? 0n) === targetUnion.value;
      case Compare_CompareTarget.VERSION:
        return (kv?.version ?? 0n) === targetUnion.value;
      default:
        throw new AtollError("UNIMPLEMENTED", `compare of ${target}`);
    }
  }

  async #watch(requests: AsyncIterable<WatchRequest>, sink: Sink<Response>): Promise<void> {
    const stop = new AbortController();
    const end = (): void => stop.abort();
    this.#watches.add(end);
    const stopped = new Promise<never>((_, reject) => {
      const gone = new AtollError("UNAVAILABLE", "the member stops");
      stop.signal.addEventListener("abort", () => reject(gone));
    });
    try {
      await Promise.race([this.#serve(requests, sink, stop.signal), stopped]);
    } finally {
      this.#watches.delete(end);
      end();
    }
  }

  async #serve(
    requests: AsyncIterable<WatchRequest>,
    sink: Sink<Response>,
    signal: AbortSignal,
  ): Promise<void> {
    const { store } = this;
    let current: Watcher | undefined;
    for await (const { requestUnion } of requests) {
      if (requestUnion.case === "progressRequest") current?.progress();
      if (requestUnion.case !== "createRequest") continue;
      const watcher = new Watcher(this, store, requestUnion.value, sink);
      current = watcher;
      if (!watcher.create()) return;
      signal.addEventListener(
        "abort",
        store.listen(() => watcher.pump()),
      );
      // What a stall held back is sent when it is over.
      const timer = setInterval(() => watcher.pump(), 5);
      signal.addEventListener("abort", () => clearInterval(timer));
    }
  }
}

/** One watcher: sends each revision's events in order. */
class Watcher {
  readonly #member: FakeMember;
  readonly #store: FakeStore;
  readonly #sink: Sink<Response>;
  readonly #key: BinaryKey;
  readonly #end: BinaryKey;
  /** The next revision to send. */
  #next: number;

  constructor(
    member: FakeMember,
    store: FakeStore,
    request: WatchCreateRequest,
    sink: Sink<Response>,
  ) {
    this.#member = member;
    this.#store = store;
    this.#sink = sink;
    this.#key = toBinaryKey(request.key);
    this.#end = toBinaryKey(request.rangeEnd);
    this.#next = Number(request.startRevision);
  }

  /** Says that it began; false when its start is compacted. */
  create(): boolean {
    this.#send({ created: true });
    if (this.#next > this.#store.compacted) return true;
    this.#send({ canceled: true, compactRevision: BigInt(this.#store.compacted) });
    return false;
  }

  /** Says how far it is, for the whole stream. */
  progress(): void {
    this.pump();
    if (!this.#member.faults.stalls) this.#send({ watchId: -1n });
  }

  pump(): void {
    const { faults } = this.#member;
    while (!faults.stalls && this.#next <= this.#store.revision) {
      const revision = this.#next++;
      if (faults.omits.delete(revision)) continue;
      const changes = this.#store
        .changes(revision)
        .filter(({ key }) => isIn(key, this.#key, this.#end));
      const size = faults.fragmentEvents === 0 ? changes.length : faults.fragmentEvents;
      for (let from = 0; from < changes.length; from += size) {
        const isLast = from + size >= changes.length;
        this.#send({ events: changes.slice(from, from + size).map(eventOf), fragment: !isLast });
      }
    }
  }

  #send(fields: Partial<Omit<Response, "$typeName" | "$unknown">>): void {
    const { clusterId, revision } = this.#store;
    const header = create(ResponseHeaderSchema, { clusterId, revision: BigInt(revision) });
    this.#sink.send(create(WatchResponseSchema, { header, ...fields }));
  }
}

function eventOf({ isDeletion, kv }: Change) {
  return create(EventSchema, {
    type: isDeletion ? Event_EventType.DELETE : Event_EventType.PUT,
    kv,
  });
}

/** A region of fake members over one store, all running. */
export async function startFakeRegion(
  members: number,
): Promise<{ store: FakeStore; members: FakeMember[] }> {
  const store = new FakeStore();
  const started = Array.from({ length: members }, () => new FakeMember(store).start());
  return { store, members: await Promise.all(started) };
}
