import { toBinaryKey } from "../../../shared/bytes.js";
import {
  type Compare,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  RangeRequest_SortOrder as SortOrder,
  type TxnRequest,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { PlainKv } from "./support.js";

/** One write of all time; `value` undefined is a deletion. */
interface Write {
  readonly key: string;
  readonly revision: number;
  readonly kv: PlainKv | undefined;
}

const COMPACTED = "etcdserver: mvcc: required revision has been compacted";
const FUTURE = "etcdserver: mvcc: required revision is a future revision";
const NO_KEY = "etcdserver: key not found";
const NO_LEASE = "etcdserver: requested lease not found";

type Result = Record<string, unknown>;

class Refused extends Error {}

/**
 * etcd's store by the book and without any thought for speed: a list of all writes that is
 * searched from its start for everything.
 */
export class Model {
  writes: Write[] = [];
  revision = 1;
  compactRevision = -1;
  readonly leases = new Map<bigint, number>();
  #open = false;

  /** The pairs at a revision, in order of key. */
  at(revision: number): PlainKv[] {
    const latest = new Map<string, PlainKv | undefined>();
    for (const write of this.writes) {
      if (write.revision <= revision) latest.set(write.key, write.kv);
    }
    return [...latest.values()]
      .filter((kv) => kv !== undefined)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  get readRevision(): number {
    return this.#open ? this.revision + 1 : this.revision;
  }

  within(key: string, end: string, revision: number): PlainKv[] {
    return this.at(revision).filter((kv) => {
      if (end === "") return kv.key === key;
      return kv.key >= key && (end === "\0" || kv.key < end);
    });
  }

  #write(key: string, kv: PlainKv | undefined): void {
    this.#open = true;
    this.writes.push({ key, revision: this.revision + 1, kv });
  }

  #commit(): void {
    if (this.#open) this.revision++;
    this.#open = false;
  }

  /** Runs a command; what it refuses changes nothing. */
  #run(body: () => Result): Result {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { kind: "error", revision: this.revision, error: error.message };
    } finally {
      this.#commit();
    }
  }

  put(request: PutRequest): Result {
    return this.#run(() => {
      this.#checkLease(request);
      this.#checkPrevious(request);
      return this.#put(request);
    });
  }

  #checkLease({ lease }: PutRequest): void {
    if (lease !== 0n && !this.leases.has(lease)) throw new Refused(NO_LEASE);
  }

  #checkPrevious(request: PutRequest): void {
    const missing = this.within(toBinaryKey(request.key), "", this.revision).length === 0;
    if ((request.ignoreValue || request.ignoreLease) && missing) throw new Refused(NO_KEY);
  }

  #put(request: PutRequest): Result {
    const key = toBinaryKey(request.key);
    const before = this.within(key, "", this.readRevision)[0];
    this.#write(key, {
      key,
      create: before?.create ?? this.revision + 1,
      mod: this.revision + 1,
      version: (before?.version ?? 0) + 1,
      value: request.ignoreValue ? (before?.value ?? "") : toBinaryKey(request.value),
      lease: request.ignoreLease ? (before?.lease ?? 0n) : request.lease,
    });
    const prevKv = request.prevKv ? before : undefined;
    return { kind: "put", revision: this.readRevision, prevKv };
  }

  delete(key: string, end: string, prevKv: boolean): Result {
    return this.#run(() => this.#delete(key, end, prevKv));
  }

  #delete(key: string, end: string, prevKv: boolean): Result {
    const gone = this.within(key, end, this.readRevision);
    for (const kv of gone) this.#write(kv.key, undefined);
    const revision = this.readRevision;
    return { kind: "deleteRange", revision, deleted: gone.length, prevKvs: prevKv ? gone : [] };
  }

  range(request: RangeRequest): Result {
    return this.#run(() => this.#range(request));
  }

  #range(request: RangeRequest): Result {
    const asked = Number(request.revision);
    if (asked > this.readRevision) throw new Refused(FUTURE);
    if (asked > 0 && asked < this.compactRevision) throw new Refused(COMPACTED);
    const revision = asked > 0 ? asked : this.readRevision;
    const [key, end] = [toBinaryKey(request.key), toBinaryKey(request.rangeEnd)];
    const all = this.within(key, end, revision);
    const { keysOnly } = request;
    const head = { kind: "range", revision: this.readRevision, keysOnly, count: all.length };
    if (request.countOnly) return { ...head, kvs: [], more: false };
    const limit = Number(request.limit) > 0 ? Number(request.limit) : all.length;
    const bounds = [
      request.minModRevision,
      request.maxModRevision,
      request.minCreateRevision,
      request.maxCreateRevision,
    ].map(Number) as [number, number, number, number];
    const filtering = bounds.some((bound) => bound !== 0);
    // etcd fetches only one more than the limit when nothing was said of order or filters.
    const fetched =
      request.sortOrder === SortOrder.NONE && !filtering ? all.slice(0, limit + 1) : all;
    const [minMod, maxMod, minCreate, maxCreate] = bounds;
    const kept = fetched.filter(
      (kv) =>
        (minMod === 0 || kv.mod >= minMod) &&
        (maxMod === 0 || kv.mod <= maxMod) &&
        (minCreate === 0 || kv.create >= minCreate) &&
        (maxCreate === 0 || kv.create <= maxCreate),
    );
    const by = (["key", "version", "create", "mod", "value"] as const)[request.sortTarget] ?? "key";
    const direction = request.sortOrder === SortOrder.DESCEND ? -1 : 1;
    kept.sort((a, b) => (a[by] === b[by] ? 0 : (a[by] < b[by] ? -1 : 1) * direction));
    return { ...head, kvs: kept.slice(0, limit), more: kept.length > limit };
  }

  txn(request: TxnRequest): Result {
    return this.#run(() => {
      const branches = new Map<TxnRequest, boolean>();
      this.#decide(request, branches);
      this.#check(request, branches, true);
      this.#check(request, branches, false);
      const body = this.#execute(request, branches);
      return { ...body, revision: this.readRevision };
    });
  }

  #branch(request: TxnRequest, branches: Map<TxnRequest, boolean>): RequestOp[] {
    return branches.get(request) === true ? request.success : request.failure;
  }

  #decide(request: TxnRequest, branches: Map<TxnRequest, boolean>): void {
    branches.set(
      request,
      request.compare.every((compare) => this.#holds(compare)),
    );
    for (const { request: op } of this.#branch(request, branches)) {
      if (op.case === "requestTxn") this.#decide(op.value, branches);
    }
  }

  #check(request: TxnRequest, branches: Map<TxnRequest, boolean>, writes: boolean): void {
    for (const { request: op } of this.#branch(request, branches)) {
      if (op.case === "requestTxn") this.#check(op.value, branches, writes);
      if (writes && op.case === "requestPut") {
        this.#checkPrevious(op.value);
        this.#checkLease(op.value);
      }
      if (!writes && op.case === "requestRange" && op.value.revision !== 0n) {
        if (Number(op.value.revision) > this.revision) throw new Refused(FUTURE);
        if (Number(op.value.revision) < this.compactRevision) throw new Refused(COMPACTED);
      }
    }
  }

  #execute(request: TxnRequest, branches: Map<TxnRequest, boolean>): Result {
    const responses = this.#branch(request, branches).map(({ request: op }) => {
      switch (op.case) {
        case "requestPut":
          return this.#put(op.value);
        case "requestDeleteRange": {
          const { key, rangeEnd, prevKv } = op.value;
          return this.#delete(toBinaryKey(key), toBinaryKey(rangeEnd), prevKv);
        }
        case "requestRange":
          return this.#range(op.value);
        case "requestTxn":
          return this.#execute(op.value, branches);
        default:
          return undefined;
      }
    });
    return { kind: "txn", revision: 0, succeeded: branches.get(request), responses };
  }

  #holds(compare: Compare): boolean {
    const [key, end] = [toBinaryKey(compare.key), toBinaryKey(compare.rangeEnd)];
    const kvs: (PlainKv | undefined)[] = this.within(key, end, this.revision);
    const target = (["version", "create", "mod", "value", "lease"] as const)[compare.target];
    const field = (["version", "createRevision", "modRevision", "value", "lease"] as const)[
      compare.target
    ];
    if (target === undefined) throw new Error("the model knows no such target");
    if (kvs.length === 0) {
      if (target === "value") return false;
      kvs.push(undefined);
    }
    return kvs.every((kv) => {
      const union = compare.targetUnion;
      if (target === "value") {
        const operand = union.case === "value" ? toBinaryKey(union.value) : "";
        return compared(compare.result, kv?.value ?? "", operand);
      }
      const operand = union.case === field ? (union.value as bigint) : 0n;
      return compared(compare.result, BigInt(kv?.[target] ?? 0), operand);
    });
  }

  compact(revision: number): Result {
    return this.#run(() => {
      if (revision <= this.compactRevision) throw new Refused(COMPACTED);
      if (revision > this.revision) throw new Refused(FUTURE);
      this.compactRevision = revision;
      return { kind: "compaction", revision: this.revision };
    });
  }

  grant(id: bigint, ttl: number): Result {
    return this.#run(() => {
      if (this.leases.has(id)) throw new Refused("etcdserver: lease already exists");
      this.leases.set(id, ttl);
      return { kind: "leaseGrant", revision: this.revision, id, ttl };
    });
  }

  leaseKeys(id: bigint): string[] {
    return this.at(this.revision)
      .filter((kv) => kv.lease === id)
      .map((kv) => kv.key);
  }

  revoke(id: bigint): Result {
    return this.#run(() => {
      if (!this.leases.has(id)) throw new Refused(NO_LEASE);
      for (const key of this.leaseKeys(id)) this.#write(key, undefined);
      this.leases.delete(id);
      return { kind: "leaseRevoke", revision: this.readRevision };
    });
  }

  expire(ids: readonly bigint[]): Result {
    const expired = ids.filter((id) => this.revoke(id)["kind"] === "leaseRevoke");
    return { kind: "leaseExpire", revision: this.revision, expired };
  }

  /** Writes at or after a revision, as "key@revision" with "-" for deletions. */
  events(revision: number): string[] {
    return this.writes
      .filter((write) => write.revision >= revision)
      .map(({ key, revision, kv }) => `${key}@${revision}${kv === undefined ? "-" : ""}`);
  }
}

function compared<T extends string | bigint>(result: number, a: T, b: T): boolean {
  switch (result) {
    case 0:
      return a === b;
    case 1:
      return a > b;
    case 2:
      return a < b;
    default:
      return a !== b;
  }
}
