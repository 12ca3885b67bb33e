import { utf8 } from "../bytes.js";
import type { ResponseHeader } from "../gen/etcd/etcdserverpb/rpc_pb.js";
import type { KeyValue as WireKeyValue } from "../gen/etcd/mvccpb/kv_pb.js";

/** A key or value: text is its UTF-8 bytes. */
export type Bytes = string | Uint8Array;

/** One key's state, with numbers instead of the wire's bigints. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes since the key was created, from 1; 0 in a deletion. */
  readonly version: number;
  /** Lease id; 0n when none. A full 64-bit number, so it stays a bigint. */
  readonly lease: bigint;
}

/** Where an answer comes from. */
export interface AnswerHeader {
  /** Hexadecimal, as etcdctl prints it. */
  readonly clusterId: string;
  readonly memberId: string;
  /** The store's revision when it answered. */
  readonly revision: number;
  readonly raftTerm: number;
}

/** The bytes of a key or value. */
export function toBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === "string" ? utf8(bytes) : bytes;
}

/** Converts a wire message once, at the edge. */
export function fromWire(kv: WireKeyValue): KeyValue {
  return {
    key: kv.key,
    value: kv.value,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
    lease: kv.lease,
  };
}

/** An answer's header; all zero where a server sent none. */
export function headerOf(header: ResponseHeader | undefined): AnswerHeader {
  return {
    clusterId: (header?.clusterId ?? 0n).toString(16),
    memberId: (header?.memberId ?? 0n).toString(16),
    revision: Number(header?.revision ?? 0n),
    raftTerm: Number(header?.raftTerm ?? 0n),
  };
}
