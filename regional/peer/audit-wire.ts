import { fromBinaryKey, toBinaryKey } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import type { Mark } from "../audit/mark.js";
import { Cursor } from "./cursor.js";
import { allocateFrame, FRAME_HEAD_BYTES, FrameType, sealFrame } from "./frame.js";

/** What members tell each other to find out whether their states are equal. */
export type AuditMessage =
  | { readonly kind: "mark"; readonly mark: Mark }
  /** The leader asks all for the chain at an index that is still to come. */
  | { readonly kind: "request"; readonly index: number };

const REQUEST = 1;
const CHAIN = 2;
const SLICE = 3;
const TABLES = 4;
/** Numbers on the wire by kind of mark. */
const NUMBERS = { chain: CHAIN, slice: SLICE, tables: TABLES } as const;
const HASH_BYTES = 16;
/** Length of a key that stands for the end of the key space. */
const NO_KEY = 0xffff_ffff;

/*
 * Payload: kind u8, index f64; in a mark also the chain's version u8 and the hash's 16
 * bytes; in a slice also round and revision (f64 both), `from` and `to`, each a length (u32) and bytes.
 */

/** A message as a frame. */
export function auditFrame(message: AuditMessage): Buffer {
  if (message.kind === "request") {
    const frame = allocateFrame(1 + 8);
    frame.writeDoubleLE(message.index, frame.writeUInt8(REQUEST, FRAME_HEAD_BYTES));
    return sealFrame(frame, FrameType.audit);
  }
  const { mark } = message;
  const slice = mark.kind === "slice" ? mark : undefined;
  const from = fromBinaryKey(slice?.from ?? "");
  const to = fromBinaryKey(slice?.to ?? "");
  const extra = slice === undefined ? 0 : 8 + 8 + 4 + from.length + 4 + to.length;
  const frame = allocateFrame(1 + 8 + 1 + HASH_BYTES + extra);
  let at = frame.writeUInt8(NUMBERS[mark.kind], FRAME_HEAD_BYTES);
  at = frame.writeDoubleLE(mark.index, at);
  at = frame.writeUInt8(mark.version, at);
  at += frame.write(mark.hash, at, "hex");
  if (slice !== undefined) {
    at = frame.writeDoubleLE(slice.round, at);
    at = frame.writeDoubleLE(slice.revision, at);
    at = frame.writeUInt32LE(from.length, at);
    frame.set(from, at);
    at = frame.writeUInt32LE(slice.to === undefined ? NO_KEY : to.length, at + from.length);
    frame.set(to, at);
  }
  return sealFrame(frame, FrameType.audit);
}

/** Throws DATA_LOSS on nonsense. */
export function decodeAudit(payload: Buffer): AuditMessage {
  const cursor = new Cursor(payload);
  const kind = cursor.u8();
  const index = cursor.safe();
  if (kind === REQUEST) {
    cursor.end();
    return { kind: "request", index };
  }
  if (kind !== CHAIN && kind !== SLICE && kind !== TABLES) {
    throw new AtollError("DATA_LOSS", `a peer sent an audit message of unknown kind ${kind}`);
  }
  const version = cursor.u8();
  const hash = Buffer.from(cursor.bytes(HASH_BYTES)).toString("hex");
  if (kind !== SLICE) {
    cursor.end();
    const what = kind === CHAIN ? "chain" : "tables";
    return { kind: "mark", mark: { kind: what, version, index, hash } };
  }
  const round = cursor.safe();
  const revision = cursor.safe();
  const from = toBinaryKey(cursor.bytes(cursor.u32()));
  const length = cursor.u32();
  const to = length === NO_KEY ? undefined : toBinaryKey(cursor.bytes(length));
  cursor.end();
  return { kind: "mark", mark: { kind: "slice", version, round, index, revision, from, to, hash } };
}
