import type { MessageInitShape } from "@bufbuild/protobuf";
import { prefixEnd } from "../bytes.js";
import {
  KV,
  type RangeRequestSchema,
  type TxnRequestSchema,
  type TxnResponse,
} from "../gen/etcd/etcdserverpb/rpc_pb.js";
import type { EtcdCallOptions, EtcdClient } from "./client.js";
import {
  type AnswerHeader,
  type Bytes,
  fromWire,
  headerOf,
  type KeyValue,
  toBytes,
} from "./key-value.js";

/** What to read. */
export interface RangeQuery {
  readonly key: Bytes;
  /** First key that is not read any more; without it only `key` is. */
  readonly end?: Bytes;
  /** Most keys in the answer; 0 for all. */
  readonly limit?: number;
  /** Read the state at this revision; 0 for the newest. */
  readonly revision?: number;
  /** Answer from one member's state, perhaps an old one. Default: linearizable. */
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

export interface RangeAnswer {
  readonly header: AnswerHeader;
  readonly kvs: readonly KeyValue[];
  /** Keys that the range holds, whatever the limit. */
  readonly count: number;
  /** The limit cut some off. */
  readonly more: boolean;
}

function rangeRequest(query: RangeQuery): MessageInitShape<typeof RangeRequestSchema> {
  return {
    key: toBytes(query.key),
    rangeEnd: query.end === undefined ? new Uint8Array(0) : toBytes(query.end),
    limit: BigInt(query.limit ?? 0),
    revision: BigInt(query.revision ?? 0),
    serializable: query.serializable ?? false,
    keysOnly: query.keysOnly ?? false,
    countOnly: query.countOnly ?? false,
  };
}

/** Reads one key or a range. */
export async function range(
  client: EtcdClient,
  query: RangeQuery,
  options: EtcdCallOptions = {},
): Promise<RangeAnswer> {
  const answer = await client.unary(KV.method.range, rangeRequest(query), {
    ...options,
    kind: "read",
  });
  return {
    header: headerOf(answer.header),
    kvs: answer.kvs.map(fromWire),
    count: Number(answer.count),
    more: answer.more,
  };
}

/** The query of all keys that begin with `prefix`. */
export function prefixQuery(prefix: Bytes): RangeQuery {
  const key = toBytes(prefix);
  return { key, end: prefixEnd(key) };
}

/** Reads one key; `kv` is undefined when it isn't there. */
export async function get(
  client: EtcdClient,
  key: Bytes,
  options: EtcdCallOptions = {},
): Promise<{ header: AnswerHeader; kv: KeyValue | undefined }> {
  const answer = await range(client, { key }, options);
  return { header: answer.header, kv: answer.kvs[0] };
}

/** Writes one key and gives the revision at which it stands. */
export async function put(
  client: EtcdClient,
  key: Bytes,
  value: Bytes,
  options: EtcdCallOptions & { readonly lease?: bigint } = {},
): Promise<{ header: AnswerHeader; revision: number }> {
  const request = { key: toBytes(key), value: toBytes(value), lease: options.lease ?? 0n };
  const header = headerOf((await client.unary(KV.method.put, request, options)).header);
  return { header, revision: header.revision };
}

/** Deletes one key, or all keys from `key` to before `end`; gives how many there were. */
export async function deleteRange(
  client: EtcdClient,
  key: Bytes,
  options: EtcdCallOptions & { readonly end?: Bytes } = {},
): Promise<{ header: AnswerHeader; deleted: number }> {
  const request = {
    key: toBytes(key),
    rangeEnd: options.end === undefined ? new Uint8Array(0) : toBytes(options.end),
  };
  const answer = await client.unary(KV.method.deleteRange, request, options);
  return { header: headerOf(answer.header), deleted: Number(answer.deleted) };
}

/** Runs a transaction, written as in etcd's API. */
export async function txn(
  client: EtcdClient,
  request: MessageInitShape<typeof TxnRequestSchema>,
  options: EtcdCallOptions = {},
): Promise<{ header: AnswerHeader; succeeded: boolean; responses: TxnResponse["responses"] }> {
  const answer = await client.unary(KV.method.txn, request, options);
  return {
    header: headerOf(answer.header),
    succeeded: answer.succeeded,
    responses: answer.responses,
  };
}
