import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, FrameType, makeFrame } from "../../../regional/peer/frame.js";
import { AtollError } from "../../../shared/errors.js";

interface Seen {
  readonly type: number;
  readonly payload: Buffer;
}

function readerInto(seen: Seen[], maxBytes?: number): FrameReader {
  return new FrameReader((type, payload) => seen.push({ type, payload }), maxBytes);
}

describe("FrameReader", () => {
  it("gives back the frames however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 40 }),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map((p) => makeFrame(FrameType.raft, p)));
          const seen: Seen[] = [];
          const reader = readerInto(seen);
          let at = 0;
          for (let i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length] as number;
            reader.push(Buffer.from(stream.subarray(at, at + size)));
            at += size;
          }
          expect(seen.map((frame) => [...frame.payload])).toEqual(payloads.map((p) => [...p]));
        },
      ),
    );
  });

  it("refuses a frame whose bytes were changed", () => {
    const frame = makeFrame(FrameType.raft, Buffer.from("hello"));
    for (let i = 4; i < frame.length; i++) {
      const broken = Buffer.from(frame);
      broken[i] = (broken[i] as number) ^ 0x10;
      expect(() => readerInto([]).push(broken)).toThrow("doesn't match its checksum");
    }
  });

  it("refuses a frame that is larger than allowed before it takes memory for it", () => {
    const head = Buffer.alloc(9);
    head.writeUInt32LE(1001, 0);
    expect(() => readerInto([], 1000).push(head)).toThrow(AtollError);
  });

  it("takes any garbage with nothing worse than DATA_LOSS", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), (chunks) => {
        const reader = readerInto([], 1000);
        try {
          for (const chunk of chunks) reader.push(Buffer.from(chunk));
        } catch (error) {
          expect(error).toBeInstanceOf(AtollError);
          expect((error as AtollError).code).toBe("DATA_LOSS");
        }
      }),
    );
  });
});
