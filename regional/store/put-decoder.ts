import { fromBinary } from "@bufbuild/protobuf";
import type { BinaryKey } from "../../shared/bytes.js";
import { toBinaryKey } from "../../shared/bytes.js";
import { type PutRequest, PutRequestSchema } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { DECODE_OPTIONS, readVarint, skipVarint } from "./wire.js";

/** A put, its value being source[valueStart, valueEnd). */
export interface PutFields {
  readonly key: BinaryKey;
  readonly source: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly lease: bigint;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

const FLAG_PREV_KV = 0x20;
const FLAG_IGNORE_VALUE = 0x28;
const FLAG_IGNORE_LEASE = 0x30;

/** The fields of a PutRequest that was decoded already. */
export function putFields(request: PutRequest): PutFields {
  return {
    key: toBinaryKey(request.key),
    source: request.value,
    valueStart: 0,
    valueEnd: request.value.length,
    lease: request.lease,
    prevKv: request.prevKv,
    ignoreValue: request.ignoreValue,
    ignoreLease: request.ignoreLease,
  };
}

/**
 * Decodes the PutRequest that lies in data[start, end of data). Reads by hand what
 * clients send; whatever else may be there is left to the general decoder, which gives the
 * same for what both can read. Throws what that throws on malformed bytes.
 */
export function decodePut(data: Buffer, start: number): PutFields {
  return (
    decodeUsualPut(data, start) ??
    putFields(
      fromBinary(
        PutRequestSchema,
        new Uint8Array(data.buffer, data.byteOffset + start, data.length - start),
        DECODE_OPTIONS,
      ),
    )
  );
}

/** Undefined when there is anything out of the ordinary. */
function decodeUsualPut(data: Buffer, start: number): PutFields | undefined {
  const end = data.length;
  let key = "";
  let valueStart = start;
  let valueEnd = start;
  let lease = 0n;
  let flags = 0;
  let at = start;
  while (at < end) {
    const tag = data[at++] as number;
    const number = readVarint(data, at, end);
    if (number < 0) return undefined;
    at = skipVarint(data, at);
    switch (tag) {
      case 0x0a:
        if (number > end - at) return undefined;
        key = data.toString("latin1", at, at + number);
        at += number;
        break;
      case 0x12:
        if (number > end - at) return undefined;
        valueStart = at;
        at += number;
        valueEnd = at;
        break;
      case 0x18:
        lease = BigInt(number);
        break;
      case FLAG_PREV_KV:
      case FLAG_IGNORE_VALUE:
      case FLAG_IGNORE_LEASE: {
        if (number > 1) return undefined;
        const bit = 1 << ((tag - FLAG_PREV_KV) >> 3);
        flags = number === 1 ? flags | bit : flags & ~bit;
        break;
      }
      default:
        return undefined;
    }
  }
  return {
    key,
    source: data,
    valueStart,
    valueEnd,
    lease,
    prevKv: (flags & 1) !== 0,
    ignoreValue: (flags & 2) !== 0,
    ignoreLease: (flags & 4) !== 0,
  };
}
