import { AtollError } from "../../shared/errors.js";
import { Cursor } from "./cursor.js";
import {
  allocateFrame,
  FRAME_HEAD_BYTES,
  FRAME_TARGET_BYTES,
  FrameType,
  sealFrame,
} from "./frame.js";

/** A proposal on its way to the leader: the proposer's number for it, and the entry's data. */
export interface WireProposal {
  readonly seq: number;
  readonly data: Uint8Array;
}

/**
 * Why a leader certainly did not take proposals: it doesn't lead, or can't take these just
 * now; it holds too much; or it finds a change of the members unsafe.
 */
export const Refusal = {
  notLeading: 1,
  tooMany: 2,
  notEnoughStarted: 3,
  unhealthy: 4,
  learnerNotReady: 5,
} as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

const REFUSALS: ReadonlySet<number> = new Set(Object.values(Refusal));

const HEAD_BYTES = 12;

function proposalsFrame(proposals: readonly WireProposal[], bytes: number): Buffer {
  const frame = allocateFrame(bytes);
  let at = FRAME_HEAD_BYTES;
  for (const { seq, data } of proposals) {
    at = frame.writeDoubleLE(seq, at);
    at = frame.writeUInt32LE(data.length, at);
    frame.set(data, at);
    at += data.length;
  }
  return sealFrame(frame, FrameType.proposals);
}

/**
 * Proposals as frames, one unless they are very large: for each proposal its number
 * (f64), length (u32) and data.
 */
export function proposalFrames(proposals: readonly WireProposal[]): Buffer[] {
  const frames: Buffer[] = [];
  let first = 0;
  let bytes = 0;
  for (const [i, { data }] of proposals.entries()) {
    if (bytes > FRAME_TARGET_BYTES) {
      frames.push(proposalsFrame(proposals.slice(first, i), bytes));
      first = i;
      bytes = 0;
    }
    bytes += HEAD_BYTES + data.length;
  }
  frames.push(proposalsFrame(first === 0 ? proposals : proposals.slice(first), bytes));
  return frames;
}

/** The proposals of a frame; their data are views of it. Throws DATA_LOSS on nonsense. */
export function decodeProposals(payload: Buffer): WireProposal[] {
  const cursor = new Cursor(payload);
  const proposals: WireProposal[] = [];
  while (cursor.remaining > 0) {
    const seq = cursor.safe();
    proposals.push({ seq, data: cursor.bytes(cursor.u32()) });
  }
  return proposals;
}

/** Tells a proposer that these proposals of its were not taken. */
export function refusalFrame(reason: Refusal, seqs: readonly number[]): Buffer {
  const frame = allocateFrame(1 + 8 * seqs.length);
  let at = frame.writeUInt8(reason, FRAME_HEAD_BYTES);
  for (const seq of seqs) at = frame.writeDoubleLE(seq, at);
  return sealFrame(frame, FrameType.proposalsRefused);
}

/** Throws DATA_LOSS on nonsense. */
export function decodeRefusal(payload: Buffer): { reason: Refusal; seqs: number[] } {
  const cursor = new Cursor(payload);
  const reason = cursor.u8();
  if (!REFUSALS.has(reason)) {
    throw new AtollError("DATA_LOSS", `a peer refused proposals for unknown reason ${reason}`);
  }
  const seqs: number[] = [];
  while (cursor.remaining > 0) seqs.push(cursor.safe());
  return { reason: reason as Refusal, seqs };
}
