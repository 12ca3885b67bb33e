import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  int64Varint,
  readInt64,
  readVarint,
  skipVarint,
  varintSize,
  writeVarint,
} from "../../../regional/store/wire.js";

const safe = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  // Where the length of a varint or the kind of a JS number changes.
  fc
    .tuple(fc.integer({ min: 1, max: 53 }), fc.integer({ min: -1, max: 1 }))
    .map(([bits, off]) => Math.min(Number.MAX_SAFE_INTEGER, 2 ** bits + off)),
);

test("varints are those of protobuf", () => {
  fc.assert(
    fc.property(safe, (value) => {
      const expected = new BinaryWriter().int64(value).finish();
      const into = new Uint8Array(12);
      expect(writeVarint(into, 1, value)).toBe(1 + expected.length);
      expect(into.slice(1, 1 + expected.length)).toEqual(expected);
      expect(varintSize(value)).toBe(expected.length);
      expect(readVarint(into, 1, into.length)).toBe(value);
      expect(skipVarint(into, 1)).toBe(1 + expected.length);
    }),
    { numRuns: 1000 },
  );
});

test("int64 varints are those of protobuf, both ways", () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      const varint = int64Varint(value);
      expect(new BinaryReader(varint).int64()).toBe(value);
      expect(readInt64(varint)).toBe(value);
    }),
  );
});

test("a varint that is cut off, too long or too large is none", () => {
  expect(readVarint(Uint8Array.of(0x80, 0x80), 0, 2)).toBe(-1);
  expect(readVarint(new Uint8Array(11).fill(0x80), 0, 11)).toBe(-1);
  expect(readVarint(int64Varint(2n ** 53n), 0, 10)).toBe(-1);
  expect(readVarint(new Uint8Array(0), 0, 0)).toBe(-1);
  expect(readInt64(new Uint8Array(0))).toBeUndefined();
  expect(readInt64(Uint8Array.of(0x80))).toBeUndefined();
  expect(readInt64(Uint8Array.of(1, 1))).toBeUndefined();
});
