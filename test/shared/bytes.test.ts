import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { asBuffer, fromBinaryKey, prefixEnd, toBinaryKey } from "../../shared/bytes.js";

const bytes = fc.uint8Array({ maxLength: 12 });

test.prop([bytes])("a binary key gives its bytes back", (key) => {
  expect(fromBinaryKey(toBinaryKey(key))).toEqual(key);
});

test.prop([bytes, bytes])("binary keys compare as their bytes do", (a, b) => {
  const wanted = Buffer.compare(a, b);
  const [x, y] = [toBinaryKey(a), toBinaryKey(b)];
  expect(x < y ? -1 : x > y ? 1 : 0).toBe(wanted);
});

test.prop([fc.uint8Array({ minLength: 1, maxLength: 4 }), bytes])(
  "exactly the keys with a prefix lie between it and its end",
  (prefix, other) => {
    const [from, key, end] = [
      toBinaryKey(prefix),
      toBinaryKey(other),
      toBinaryKey(prefixEnd(prefix)),
    ];
    const inside = key >= from && (end === "\0" || key < end);
    expect(inside).toBe(key.startsWith(from));
  },
);

test("a Buffer over bytes shares their memory", () => {
  const memory = new Uint8Array([1, 2, 3]).subarray(1);
  const buffer = asBuffer(memory);
  buffer[0] = 9;
  expect([...memory]).toEqual([9, 3]);
});
