import { create } from "@bufbuild/protobuf";
import { type BinaryKey, toBinaryKey } from "../../../shared/bytes.js";
import { AtollError } from "../../../shared/errors.js";
import { type KeyValue, KeyValueSchema } from "../../../shared/gen/etcd/mvccpb/kv_pb.js";

/** One write, as history keeps it; without `kv.value` of use when it deleted. */
export interface Change {
  readonly key: BinaryKey;
  readonly isDeletion: boolean;
  readonly kv: KeyValue;
}

interface Version {
  readonly revision: number;
  /** Undefined where the key was deleted. */
  readonly kv: KeyValue | undefined;
}

/** A small store with etcd's revisions, history and compaction; all in memory. */
export class FakeStore {
  readonly clusterId: bigint;
  readonly #versions = new Map<BinaryKey, Version[]>();
  /** The changes of each revision, by revision. */
  readonly #history: Change[][] = [[], []];
  readonly #listeners = new Set<() => void>();
  compacted = 0;

  constructor(clusterId = 7n) {
    this.clusterId = clusterId;
  }

  get revision(): number {
    return this.#history.length - 1;
  }

  /** A copy as a backup taken at a revision would be restored: same cluster id, no later history. */
  restoredTo(revision: number): FakeStore {
    const copy = new FakeStore(this.clusterId);
    for (let at = 2; at <= revision; at++) {
      copy.transact((write) => {
        for (const { key, isDeletion, kv } of this.changes(at))
          write(key, isDeletion ? undefined : kv.value);
      });
    }
    return copy;
  }

  /** Writes some keys at one revision; undefined deletes. Does nothing if nothing is written. */
  transact(work: (write: (key: BinaryKey, value: Uint8Array | undefined) => void) => void): void {
    const revision = this.revision + 1;
    const changes: Change[] = [];
    work((key, value) => {
      const versions = this.#versions.get(key) ?? [];
      this.#versions.set(key, versions);
      const before = versions.at(-1)?.kv;
      if (value === undefined && before === undefined) return;
      const kv = create(KeyValueSchema, {
        key: Buffer.from(key, "latin1"),
        modRevision: BigInt(revision),
        ...(value !== undefined && {
          value,
          createRevision: before?.createRevision ?? BigInt(revision),
          version: (before?.version ?? 0n) + 1n,
        }),
      });
      versions.push({ revision, kv: value === undefined ? undefined : kv });
      changes.push({ key, isDeletion: value === undefined, kv });
    });
    if (changes.length === 0) return;
    this.#history.push(changes);
    for (const listener of this.#listeners) listener();
  }

  put(key: string, value: string): number {
    this.transact((write) => write(toBinaryKey(Buffer.from(key)), Buffer.from(value)));
    return this.revision;
  }

  delete(key: string): number {
    this.transact((write) => write(toBinaryKey(Buffer.from(key)), undefined));
    return this.revision;
  }

  /** All keys as they were at a revision, in key order. */
  at(revision: number): KeyValue[] {
    const found: [BinaryKey, KeyValue][] = [];
    for (const [key, versions] of this.#versions) {
      const kv = versions.findLast((version) => version.revision <= revision)?.kv;
      if (kv !== undefined) found.push([key, kv]);
    }
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kv]) => kv);
  }

  /** Keys from `key` to before `end` (only `key` when empty, no end when "\0"). */
  range(key: BinaryKey, end: BinaryKey, revision: number): KeyValue[] {
    if (revision > this.revision) {
      throw new AtollError(
        "OUT_OF_RANGE",
        "etcdserver: mvcc: required revision is a future revision",
      );
    }
    if (revision < this.compacted) {
      throw new AtollError(
        "OUT_OF_RANGE",
        "etcdserver: mvcc: required revision has been compacted",
      );
    }
    return this.at(revision).filter((kv) => isIn(toBinaryKey(kv.key), key, end));
  }

  /** The changes that one revision made. */
  changes(revision: number): readonly Change[] {
    return this.#history[revision] ?? [];
  }

  /** Calls back after every write; gives the way to stop it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Whether a range of etcd's API takes in a key. */
export function isIn(candidate: BinaryKey, key: BinaryKey, end: BinaryKey): boolean {
  if (end === "") return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}
