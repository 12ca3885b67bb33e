import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { parseGrpcTimeout } from "../../../shared/rpc/deadline.js";
import { frameMessage, MessageReader } from "../../../shared/rpc/framing.js";
import { encodeGrpcMessage } from "../../../shared/rpc/trailers.js";

describe("messages in a stream of bytes", () => {
  test.prop([
    fc.array(fc.uint8Array({ maxLength: 40 })),
    fc.array(fc.integer({ min: 1, max: 30 })),
  ])("come out as they went in, however the bytes are cut", (messages, cuts) => {
    const bytes = Buffer.concat(messages.map(frameMessage));
    const reader = new MessageReader(40);
    const received: Uint8Array[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = cuts[i % Math.max(cuts.length, 1)] ?? bytes.length;
      reader.push(bytes.subarray(at, at + length));
      at += length;
      for (let one = reader.next(); one !== undefined; one = reader.next()) received.push(one);
    }
    expect(received.map((one) => [...one])).toEqual(messages.map((one) => [...one]));
    expect(reader.isInside).toBe(false);
  });

  test("a message over the limit is refused before it is all there", () => {
    const reader = new MessageReader(10);
    reader.push(frameMessage(new Uint8Array(11)).subarray(0, 6));
    expect(() => reader.next()).toThrow("received message larger than max (11 vs. 10)");
  });

  test("a compressed message is refused", () => {
    const frame = frameMessage(new Uint8Array(3));
    frame[0] = 1;
    const reader = new MessageReader(10);
    reader.push(frame);
    expect(() => reader.next()).toThrow(/compressed/);
  });
});

describe("gRPC's texts in headers", () => {
  test.prop([fc.string({ unit: "grapheme" })])("an error's text survives", (text) => {
    const encoded = encodeGrpcMessage(text);
    expect(encoded).toMatch(/^[ -~]*$/);
    expect(decodeURIComponent(encoded)).toBe(Buffer.from(text, "utf8").toString("utf8"));
  });

  test.each([
    ["1S", 1_000],
    ["250m", 250],
    ["2H", 7_200_000],
    ["1500000u", 1_500],
    ["0n", 0],
  ])("%s is a timeout", (text, ms) => {
    expect(parseGrpcTimeout(text)).toBeCloseTo(ms);
  });

  test.each(["", "S", "1", "1s", "-1S", "123456789S", "1.5S"])('"%s" is none', (text) => {
    expect(parseGrpcTimeout(text)).toBeUndefined();
  });
});
