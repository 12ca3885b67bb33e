import { create } from "@bufbuild/protobuf";
import {
  type ResponseHeader,
  ResponseHeaderSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { RegionalNode } from "../node.js";
import {
  bytesFieldSize,
  numberFieldSize,
  writeBytesHead,
  writeInt64,
  writeNumberField,
} from "./wire.js";

/** `ResponseHeader header = 1` of every response. */
const TAG_HEADER = 0x0a;
const TAG_CLUSTER_ID = 0x08;
const TAG_MEMBER_ID = 0x10;
const TAG_REVISION = 0x18;
const TAG_RAFT_TERM = 0x20;

/** The part of a node that headers tell of. */
export type HeaderSource = Pick<RegionalNode, "clusterId" | "memberId" | "raftTerm">;

/**
 * Response headers of one member: as messages, or written straight into an answer, with
 * the part that never changes encoded once.
 */
export class ResponseHeaders {
  readonly #source: HeaderSource;
  /** cluster_id and member_id. */
  readonly #identity: Uint8Array;

  constructor(source: HeaderSource) {
    this.#source = source;
    const identity = new Uint8Array(22);
    identity[0] = TAG_CLUSTER_ID;
    const end = writeInt64(identity, 1, source.clusterId);
    this.#identity = identity.slice(
      0,
      writeNumberField(identity, end, TAG_MEMBER_ID, source.memberId),
    );
  }

  /** A header as a message. */
  message(revision: number): ResponseHeader {
    return create(ResponseHeaderSchema, {
      clusterId: this.#source.clusterId,
      memberId: BigInt(this.#source.memberId),
      revision: BigInt(revision),
      raftTerm: BigInt(this.#source.raftTerm),
    });
  }

  #contentSize(revision: number): number {
    return (
      this.#identity.length + numberFieldSize(revision) + numberFieldSize(this.#source.raftTerm)
    );
  }

  /** Bytes of the header as a response's field. */
  fieldSize(revision: number): number {
    return bytesFieldSize(this.#contentSize(revision));
  }

  /** Writes the header as a response's field; gives the position after it. */
  writeField(into: Uint8Array, at: number, revision: number): number {
    const start = writeBytesHead(into, at, TAG_HEADER, this.#contentSize(revision));
    into.set(this.#identity, start);
    const next = writeNumberField(into, start + this.#identity.length, TAG_REVISION, revision);
    return writeNumberField(into, next, TAG_RAFT_TERM, this.#source.raftTerm);
  }
}

/** Bytes of the header within a transaction's answers, which etcd fills with a revision only. */
export function innerHeaderSize(revision: number): number {
  return bytesFieldSize(numberFieldSize(revision));
}

/** Writes such a header; gives the position after it. */
export function writeInnerHeader(into: Uint8Array, at: number, revision: number): number {
  const start = writeBytesHead(into, at, TAG_HEADER, numberFieldSize(revision));
  return writeNumberField(into, start, TAG_REVISION, revision);
}
