import { AtollError } from "../../shared/errors.js";
import { Cursor } from "./cursor.js";
import { FrameType, makeFrame } from "./frame.js";

/** Version of the protocol between members; a member takes its own only. */
const PEER_PROTOCOL_VERSION = 2;

const MAGIC = Buffer.from("atollpeer", "latin1");

/** What a connection carries. Snapshots have their own, so that heartbeats don't wait. */
export const Purpose = { messages: 0, snapshot: 1 } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/** The first frame of a connection: who calls whom, in which cluster, for what. */
export interface Hello {
  readonly version: number;
  readonly purpose: number;
  readonly clusterId: number;
  readonly from: number;
  readonly to: number;
}

/** The hello of this version, as a whole frame. */
export function helloFrame(hello: Omit<Hello, "version">): Buffer {
  const payload = Buffer.alloc(MAGIC.length + 27);
  let at = MAGIC.copy(payload);
  at = payload.writeUInt16LE(PEER_PROTOCOL_VERSION, at);
  at = payload.writeUInt8(hello.purpose, at);
  at = payload.writeDoubleLE(hello.clusterId, at);
  at = payload.writeDoubleLE(hello.from, at);
  payload.writeDoubleLE(hello.to, at);
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
  };
}

/** Why this member doesn't take the caller, or undefined when it does. */
export function refusalOf(
  hello: Hello,
  self: { readonly clusterId: number; readonly memberId: number },
  isMember: (id: number) => boolean,
): string | undefined {
  if (hello.version !== PEER_PROTOCOL_VERSION) {
    return `protocol version ${hello.version} is not spoken here, only ${PEER_PROTOCOL_VERSION}`;
  }
  if (hello.clusterId !== self.clusterId) {
    return `cluster id is ${hello.clusterId.toString(16)}, this member is of cluster ${self.clusterId.toString(16)}`;
  }
  if (hello.to !== self.memberId) {
    return `member ${hello.to.toString(16)} was called, this is ${self.memberId.toString(16)}`;
  }
  if (!isMember(hello.from)) {
    return `member ${hello.from.toString(16)} is not part of the cluster`;
  }
  if (hello.purpose !== Purpose.messages && hello.purpose !== Purpose.snapshot) {
    return `connections of purpose ${hello.purpose} are unknown`;
  }
  return undefined;
}
