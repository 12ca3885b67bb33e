import { expect, test } from "vitest";
import { decodeDisk, diskFrame } from "../../../regional/peer/disk-wire.js";
import { FRAME_HEAD_BYTES, FrameType } from "../../../regional/peer/frame.js";

test("a report on a disk comes as it was sent, and nonsense is refused", () => {
  const report = { low: true, oldestPendingMs: 1234.5, syncMs: 0.25 };
  const frame = diskFrame(report);
  expect(frame[8]).toBe(FrameType.diskReport);
  const payload = frame.subarray(FRAME_HEAD_BYTES);
  expect(decodeDisk(payload)).toEqual(report);
  expect(decodeDisk(diskFrame({ ...report, low: false }).subarray(FRAME_HEAD_BYTES)).low).toBe(
    false,
  );
  expect(() => decodeDisk(payload.subarray(1))).toThrow("are missing");
  expect(() => decodeDisk(Buffer.concat([payload, payload]))).toThrow("too many");
});
