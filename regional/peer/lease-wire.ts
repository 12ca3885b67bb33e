import { AtollError } from "../../shared/errors.js";
import { allocateFrame, FRAME_HEAD_BYTES, FrameType, sealFrame } from "./frame.js";

/** What a member asks the leader about a lease. */
export const LeaseOp = { keepAlive: 1, timeToLive: 2 } as const;
export type LeaseOp = (typeof LeaseOp)[keyof typeof LeaseOp];

export interface LeaseCall {
  /** The asker's number for it. */
  readonly call: number;
  readonly op: LeaseOp;
  readonly lease: bigint;
}

/** The leader's answer; seconds as in RegionalNode. */
export interface LeaseAnswer {
  readonly call: number;
  /** False: the member asked doesn't lead, or lost its leadership meanwhile. */
  readonly answered: boolean;
  readonly ttl: number;
  readonly grantedTtl: number;
}

const CALL_BYTES = 8 + 1 + 8;
const ANSWER_BYTES = 8 + 1 + 8 + 8;

function requireMultiple(payload: Buffer, bytes: number): void {
  if (payload.length % bytes !== 0) {
    throw new AtollError("DATA_LOSS", `a peer's lease frame of ${payload.length} bytes is cut`);
  }
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new AtollError("DATA_LOSS", `a peer's lease frame holds the number ${value}`);
  }
  return value;
}

/** Calls as one frame: for each its number (f64), operation (u8) and lease id (i64). */
export function leaseCallsFrame(calls: readonly LeaseCall[]): Buffer {
  const frame = allocateFrame(calls.length * CALL_BYTES);
  let at = FRAME_HEAD_BYTES;
  for (const { call, op, lease } of calls) {
    at = frame.writeDoubleLE(call, at);
    at = frame.writeUInt8(op, at);
    at = frame.writeBigInt64LE(lease, at);
  }
  return sealFrame(frame, FrameType.leaseCalls);
}

/** Throws DATA_LOSS on nonsense. */
export function decodeLeaseCalls(payload: Buffer): LeaseCall[] {
  requireMultiple(payload, CALL_BYTES);
  const calls: LeaseCall[] = [];
  for (let at = 0; at < payload.length; at += CALL_BYTES) {
    const op = payload[at + 8];
    if (op !== LeaseOp.keepAlive && op !== LeaseOp.timeToLive) {
      throw new AtollError("DATA_LOSS", `a peer asked for the unknown lease operation ${op}`);
    }
    calls.push({
      call: safe(payload.readDoubleLE(at)),
      op,
      lease: payload.readBigInt64LE(at + 9),
    });
  }
  return calls;
}

/** Answers as one frame: for each the number (f64), 1 if answered (u8), seconds (2 × f64). */
export function leaseAnswersFrame(answers: readonly LeaseAnswer[]): Buffer {
  const frame = allocateFrame(answers.length * ANSWER_BYTES);
  let at = FRAME_HEAD_BYTES;
  for (const { call, answered, ttl, grantedTtl } of answers) {
    at = frame.writeDoubleLE(call, at);
    at = frame.writeUInt8(answered ? 1 : 0, at);
    at = frame.writeDoubleLE(ttl, at);
    at = frame.writeDoubleLE(grantedTtl, at);
  }
  return sealFrame(frame, FrameType.leaseAnswers);
}

/** Throws DATA_LOSS on nonsense. */
export function decodeLeaseAnswers(payload: Buffer): LeaseAnswer[] {
  requireMultiple(payload, ANSWER_BYTES);
  const answers: LeaseAnswer[] = [];
  for (let at = 0; at < payload.length; at += ANSWER_BYTES) {
    answers.push({
      call: safe(payload.readDoubleLE(at)),
      answered: payload[at + 8] === 1,
      ttl: safe(payload.readDoubleLE(at + 9)),
      grantedTtl: safe(payload.readDoubleLE(at + 17)),
    });
  }
  return answers;
}
