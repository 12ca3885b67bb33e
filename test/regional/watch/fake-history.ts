import { create, toBinary } from "@bufbuild/protobuf";
import type { KvRow } from "../../../regional/store/row.js";
import type { WatchHistory } from "../../../regional/watch/contract.js";
import { fromBinaryKey } from "../../../shared/bytes.js";
import { KeyValueSchema } from "../../../shared/gen/etcd/mvccpb/kv_pb.js";

/** A row as the store's own are, to a watcher. */
function fakeRow(key: string, modRevision: number, isDelete: boolean, ordinal: number): KvRow {
  const encoded = toBinary(
    KeyValueSchema,
    create(KeyValueSchema, {
      key: fromBinaryKey(key),
      modRevision: BigInt(modRevision),
      ...(isDelete
        ? {}
        : { createRevision: 1n, version: 1n, value: new Uint8Array([ordinal & 0x7f]) }),
    }),
  );
  return {
    key,
    createRevision: isDelete ? 0 : 1,
    modRevision,
    version: isDelete ? 0 : 1,
    lease: 0n,
    ordinal,
    byteLength: encoded.length,
    bytes: () => encoded,
    copyTo: (target, at) => {
      target.set(encoded, at);
      return at + encoded.length;
    },
    keyBytes: () => encoded,
    value: () => new Uint8Array(0),
  };
}

/** All rows ever written, in a list: the simplest history there can be. */
export class FakeHistory implements WatchHistory {
  readonly rows: KvRow[] = [];
  currentRevision = 1;
  compactRevision = -1;

  /** Writes the keys in one revision; those that begin with "!" are deleted. */
  write(...keys: string[]): KvRow[] {
    this.currentRevision += 1;
    const written = keys.map((key) =>
      fakeRow(key.replace(/^!/, ""), this.currentRevision, key.startsWith("!"), this.rows.length),
    );
    this.rows.push(...written);
    return written;
  }

  rowsSince(revision: number, limit: number): { rows: readonly KvRow[]; next: number } {
    if (revision < this.compactRevision) throw new Error("read below the compact revision");
    const wanted = this.rows.filter((row) => row.modRevision >= revision);
    if (wanted.length <= limit) return { rows: wanted, next: 0 };
    const last = (wanted[limit - 1] as KvRow).modRevision;
    const rows = wanted.filter((row) => row.modRevision <= last);
    return { rows, next: rows.length === wanted.length ? 0 : last + 1 };
  }

  previous(row: KvRow): KvRow | undefined {
    const before = this.rows
      .filter((other) => other.key === row.key && other.modRevision < row.modRevision)
      .at(-1);
    return before === undefined || before.version === 0 || before.modRevision < this.compactRevision
      ? undefined
      : before;
  }
}
