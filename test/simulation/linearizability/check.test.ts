import { describe, expect, test } from "vitest";
import { checkHistory } from "./check.js";
import type { KvOperation, Value } from "./key-value.js";

const NEVER = Number.POSITIVE_INFINITY;

function put(call: number, end: number, value: number, seen?: Value): KvOperation {
  return { kind: "put", key: 1, value, seen, call, end };
}
function get(call: number, end: number, seen: Value): KvOperation {
  return { kind: "get", key: 1, seen, call, end };
}
function remove(call: number, end: number, seen?: Value): KvOperation {
  return { kind: "delete", key: 1, seen, call, end };
}
function swap(
  call: number,
  end: number,
  expected: Value,
  value: number,
  seen?: Value,
): KvOperation {
  return { kind: "swap", key: 1, expected, value, seen, call, end };
}
function onKey(key: number, operation: KvOperation): KvOperation {
  return { ...operation, key };
}

const GOOD: Record<string, readonly KvOperation[]> = {
  "an empty one": [],
  "one after the other": [
    get(0, 1, null),
    put(2, 3, 7),
    get(4, 5, 7),
    remove(6, 7),
    get(8, 9, null),
  ],
  "a read during a write sees the old value": [put(0, 1, 1), put(2, 9, 2), get(3, 4, 1)],
  "a read during a write sees the new value": [put(0, 1, 1), put(2, 9, 2), get(3, 4, 2)],
  "reads during a write see old, then new": [put(0, 9, 1), get(1, 2, null), get(3, 4, 1)],
  "concurrent writes in the order that a read tells": [put(0, 9, 1), put(0, 9, 2), get(10, 11, 1)],
  "what ends as another begins may come after it": [put(0, 5, 1), get(5, 6, null)],
  "swaps of which each saw what it should": [
    swap(0, 1, null, 1, null),
    swap(2, 3, null, 2, 1),
    swap(4, 5, 1, 3, 1),
    get(6, 7, 3),
  ],
  "a write without an answer is seen much later": [
    put(0, NEVER, 1),
    get(5, 6, null),
    get(50, 51, 1),
  ],
  "a write without an answer is never seen": [put(0, NEVER, 1), get(5, 6, null), get(50, 51, null)],
  "a swap without an answer found another value": [
    put(0, 1, 1),
    swap(2, NEVER, 5, 6),
    get(3, 4, 1),
  ],
  "a swap without an answer depends on a deletion without one that nobody saw": [
    put(0, 1, 1),
    remove(2, NEVER),
    swap(2, NEVER, null, 5),
    get(9, 10, 5),
  ],
  "a read without an answer": [put(0, 1, 1), { ...get(2, NEVER, null), seen: undefined }],
  "a write without an answer comes between two others": [
    put(0, NEVER, 1),
    put(2, 3, 2, null),
    put(4, 5, 3, 1),
  ],
  "keys apart from each other": [put(0, 1, 1), onKey(2, get(2, 3, null)), onKey(2, put(4, 5, 1))],
};

const BAD: Record<string, readonly KvOperation[]> = {
  "a stale read": [put(0, 1, 1), put(2, 3, 2), get(4, 5, 1)],
  "a lost write": [put(0, 1, 1), get(2, 3, null)],
  "a read of what nobody wrote": [put(0, 1, 1), get(2, 3, 9)],
  "a read of what is written later": [get(0, 1, 1), put(2, 3, 1)],
  "reads that go back in time": [put(0, 1, 1), put(2, 9, 2), get(3, 4, 2), get(5, 6, 1)],
  "two readers who see two orders": [put(0, 9, 1), put(0, 9, 2), get(10, 11, 1), get(12, 13, 2)],
  "a swap that wrote though the value was another": [put(0, 1, 1), swap(2, 3, null, 2, null)],
  "two swaps that both found nothing": [swap(0, 9, null, 1, null), swap(0, 9, null, 2, null)],
  "a write that happened twice": [put(0, 1, 1, null), put(2, 3, 2, 1), put(4, 5, 3, 1)],
  "a write without an answer that happened before it was asked for": [
    get(0, 1, 1),
    put(2, NEVER, 1),
  ],
  "a write without an answer that happened twice": [
    put(0, NEVER, 1),
    get(1, 2, 1),
    put(3, 4, 2, 1),
    get(5, 6, 1),
  ],
  "a deletion undone": [put(0, 1, 1), remove(2, 3, 1), get(4, 5, 1)],
  "one bad key among good ones": [
    put(0, 1, 1),
    get(2, 3, 1),
    onKey(2, put(0, 1, 5)),
    onKey(2, get(2, 3, null)),
  ],
};

describe("known good histories are linearizable", () => {
  test.each(Object.entries(GOOD))("%s", (_, history) => {
    expect(checkHistory(history)).toMatchObject({ verdict: "linearizable" });
    // The order of the list means nothing.
    expect(checkHistory(history.toReversed())).toMatchObject({ verdict: "linearizable" });
  });
});

describe("known bad histories are not", () => {
  test.each(Object.entries(BAD))("%s", (_, history) => {
    expect(checkHistory(history)).toMatchObject({ verdict: "not-linearizable" });
    expect(checkHistory(history.toReversed())).toMatchObject({ verdict: "not-linearizable" });
  });
});

test("the reason names the key, the end of the longest legal order and what can't follow", () => {
  const result = checkHistory([put(0, 1, 1), put(2, 3, 2), get(4, 5, 1)]);
  expect(result).toEqual({
    verdict: "not-linearizable",
    reason: [
      "key 1: no order of its 3 operations is legal",
      "the longest legal one has 2 and ends with",
      "  put of key 1 1 at 0 to 1: saw undefined",
      "  put of key 1 2 at 2 to 3: saw undefined",
      "then the value is 2, and next would have to be",
      "  get of key 1 at 4 to 5: saw 1",
    ].join("\n"),
  });
});

test("a search that takes too long is given up, and says so", () => {
  const history: KvOperation[] = [];
  for (let i = 0; i < 12; i++) history.push(put(0, 99, i));
  history.push(get(100, 101, 77));
  expect(checkHistory(history, 1000)).toEqual({
    verdict: "undecided",
    reason: "key 1: no order in 1000 steps",
  });
  expect(checkHistory(history)).toMatchObject({ verdict: "not-linearizable" });
});
