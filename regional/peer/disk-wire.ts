import { Cursor } from "./cursor.js";
import { allocateFrame, FRAME_HEAD_BYTES, FrameType, sealFrame } from "./frame.js";

/** What a member tells the others of the disk that its log is on. */
export interface DiskReport {
  /** There is too little room for writes that make the data grow. */
  readonly low: boolean;
  /** Milliseconds that the oldest append has waited for the disk; 0 if none waits. */
  readonly oldestPendingMs: number;
  /** Milliseconds of a transaction of the log, lately. */
  readonly syncMs: number;
}

const PAYLOAD_BYTES = 1 + 8 + 8;

/** A report as a frame: whether room is low (u8), then both times (f64). */
export function diskFrame({ low, oldestPendingMs, syncMs }: DiskReport): Buffer {
  const frame = allocateFrame(PAYLOAD_BYTES);
  let at = frame.writeUInt8(Number(low), FRAME_HEAD_BYTES);
  at = frame.writeDoubleLE(oldestPendingMs, at);
  frame.writeDoubleLE(syncMs, at);
  return sealFrame(frame, FrameType.diskReport);
}

/** Throws DATA_LOSS on nonsense. */
export function decodeDisk(payload: Buffer): DiskReport {
  const cursor = new Cursor(payload);
  const low = cursor.u8() === 1;
  const report = { low, oldestPendingMs: cursor.double(), syncMs: cursor.double() };
  cursor.end();
  return report;
}
