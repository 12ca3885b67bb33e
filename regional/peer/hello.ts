import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import { Cursor } from "./cursor.js";
import { FrameType, makeFrame } from "./frame.js";

/** Version of the protocol between members; a member takes its own only. */
const PEER_PROTOCOL_VERSION = 2;

const MAGIC = Buffer.from("atollpeer", "latin1");

/**
 * What a connection is for: raft's messages and what goes with them; one snapshot, so that
 * heartbeats don't wait behind it; or a question of somebody who is no member yet.
 */
export const Purpose = { messages: 0, snapshot: 1, inquiry: 2 } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/** The first frame of a connection: who calls whom, in which cluster, for what. */
export interface Hello {
  readonly version: number;
  readonly purpose: number;
  readonly clusterId: number;
  readonly from: number;
  readonly to: number;
  /** While the caller leads, it answers reads by lease: it must not be taken for gone too soon. */
  readonly leases: boolean;
  /** host:port where the caller listens, as it says itself; empty when it doesn't say. */
  readonly address: string;
}

/** How members see somebody who calls. */
export type Standing = "member" | "removed" | "stranger";

/** The hello of this version, as a whole frame. */
export function helloFrame(hello: Omit<Hello, "version">): Buffer {
  const address = utf8(hello.address);
  const payload = Buffer.alloc(MAGIC.length + 30 + address.length);
  let at = MAGIC.copy(payload);
  at = payload.writeUInt16LE(PEER_PROTOCOL_VERSION, at);
  at = payload.writeUInt8(hello.purpose, at);
  at = payload.writeDoubleLE(hello.clusterId, at);
  at = payload.writeDoubleLE(hello.from, at);
  at = payload.writeDoubleLE(hello.to, at);
  at = payload.writeUInt8(Number(hello.leases), at);
  at = payload.writeUInt16LE(address.length, at);
  payload.set(address, at);
  return makeFrame(FrameType.hello, payload);
}

/** Throws DATA_LOSS when the payload isn't a hello. A later version may have more after it. */
export function decodeHello(payload: Buffer): Hello {
  const cursor = new Cursor(payload);
  if (payload.length < MAGIC.length || MAGIC.compare(cursor.bytes(MAGIC.length)) !== 0) {
    throw new AtollError("DATA_LOSS", "the caller is not an Atoll member");
  }
  return {
    version: cursor.u16(),
    purpose: cursor.u8(),
    clusterId: cursor.safe(),
    from: cursor.safe(),
    to: cursor.safe(),
    leases: cursor.u8() !== 0,
    address: fromUtf8(cursor.bytes(cursor.u16())),
  };
}

/** Why this member doesn't take the caller, whoever that is; undefined when it may. */
export function refusalOf(
  hello: Hello,
  self: { readonly clusterId: number; readonly memberId: number },
): string | undefined {
  if (hello.version !== PEER_PROTOCOL_VERSION) {
    return `protocol version ${hello.version} is not spoken here, only ${PEER_PROTOCOL_VERSION}`;
  }
  if (hello.purpose === Purpose.inquiry) return undefined;
  if (hello.purpose !== Purpose.messages && hello.purpose !== Purpose.snapshot) {
    return `connections of purpose ${hello.purpose} are unknown`;
  }
  if (hello.clusterId !== self.clusterId) {
    return `cluster id is ${hello.clusterId.toString(16)}, this member is of cluster ${self.clusterId.toString(16)}`;
  }
  if (hello.to !== self.memberId) {
    return `member ${hello.to.toString(16)} was called, this is ${self.memberId.toString(16)}`;
  }
  return undefined;
}
