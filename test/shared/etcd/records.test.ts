import { describe, expect, test } from "vitest";
import { AtollError } from "../../../shared/errors.js";
import { encodeIncarnation, parseIncarnation } from "../../../shared/etcd/incarnation.js";
import { encodeLineage, parseLineage } from "../../../shared/etcd/lineage.js";

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof AtollError && error.code === "DATA_LOSS") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

const incarnation = {
  counter: 2,
  nonce: "0123456789abcdef".repeat(2),
  baseRevision: 812,
  parentNonce: "f".repeat(32),
};
const lineage = { counter: 9, nonce: "0123456789abcdef", gateway: "eu-west-g0" };

test("an incarnation's record reads back, and always looks the same", () => {
  const text = encodeIncarnation(incarnation);
  expect(text).toBe(
    '{"format":1,"counter":2,"nonce":"0123456789abcdef0123456789abcdef","baseRevision":812,"parentNonce":"ffffffffffffffffffffffffffffffff"}',
  );
  expect(parseIncarnation(text)).toEqual(incarnation);
  expect(encodeIncarnation({ ...parseIncarnation(text) })).toBe(text);
});

test("a lineage record reads back", () => {
  const text = encodeLineage(lineage);
  expect(text).toBe('{"format":1,"counter":9,"nonce":"0123456789abcdef","gateway":"eu-west-g0"}');
  expect(parseLineage(text)).toEqual(lineage);
});

describe("a record that isn't right is refused, naming key and field", () => {
  test.each([
    ["{", "the value of /atoll/incarnation is not JSON"],
    ["[]", "/atoll/incarnation: the value: "],
    [encodeIncarnation({ ...incarnation, counter: 0 }), "/atoll/incarnation: counter: "],
    [
      encodeIncarnation({ ...incarnation, nonce: "F".repeat(32) }),
      "/atoll/incarnation: nonce: is not 32 lower-case",
    ],
    [
      encodeIncarnation({ ...incarnation, baseRevision: 1.5 }),
      "/atoll/incarnation: baseRevision: ",
    ],
    [encodeIncarnation({ ...incarnation, parentNonce: "x" }), "/atoll/incarnation: parentNonce: "],
    [
      encodeIncarnation(incarnation).replace('"format":1', '"format":2'),
      "/atoll/incarnation: format: ",
    ],
  ])("%s", (text, message) => {
    expect(refusal(() => parseIncarnation(text))).toContain(message);
  });

  test.each([
    ["", "the value of /atoll/lineage is not JSON"],
    [encodeLineage({ ...lineage, counter: -1 }), "/atoll/lineage: counter: "],
    [encodeLineage({ ...lineage, nonce: "" }), "/atoll/lineage: nonce: is not 16 lower-case"],
  ])("%s", (text, message) => {
    expect(refusal(() => parseLineage(text))).toContain(message);
  });
});
