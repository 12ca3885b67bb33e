import { create, toBinary } from "@bufbuild/protobuf";
import { utf8 } from "../../../shared/bytes.js";
import {
  KV,
  PutRequestSchema,
  RangeRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { methodPath } from "../../../shared/rpc/service.js";
import { grpcMessage } from "./frames.js";

/** What a load consists of. */
export type LoadKind = "put" | "get";

/** Size of a value in bytes; the official etcd benchmark's. */
export const VALUE_BYTES = 256;

const KEY_DIGITS = 12;

/** The request path of a kind of load. */
export function pathOf(kind: LoadKind): string {
  return methodPath(kind === "put" ? KV.method.put : KV.method.range);
}

/**
 * Gives the framed message for the n-th key: a put of a 256-byte value or a
 * linearizable get. The key's digits are patched into one template, so that
 * making a request costs next to nothing.
 */
export function requestMaker(kind: LoadKind, prefix: string): (n: number) => Buffer {
  const key = utf8(`${prefix}${"0".repeat(KEY_DIGITS)}`);
  const message =
    kind === "put"
      ? toBinary(
          PutRequestSchema,
          create(PutRequestSchema, { key, value: new Uint8Array(VALUE_BYTES).fill(0x61) }),
        )
      : toBinary(RangeRequestSchema, create(RangeRequestSchema, { key }));
  const template = grpcMessage(message);
  const digitsAt = template.indexOf(Buffer.from(key)) + key.length - KEY_DIGITS;
  return (n) => {
    const request = Buffer.from(template);
    request.write(String(n).padStart(KEY_DIGITS, "0"), digitsAt, "latin1");
    return request;
  };
}
