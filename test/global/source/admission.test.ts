import { describe, expect, test } from "vitest";
import { admit, forked, joinKnown, type Seen } from "../../../global/source/admission.js";
import { trustsProgressRequests } from "../../../global/source/progress.js";
import type { KnownSource } from "../../../global/source/types.js";
import type { Incarnation } from "../../../shared/etcd/incarnation.js";
import type { LineageMark } from "../../../shared/etcd/lineage.js";

const life = (counter: number, nonce = "a"): Incarnation => ({
  counter,
  nonce: nonce.repeat(32),
  baseRevision: 0,
  parentNonce: "",
});
const mark = (counter: number, revision: number, nonce = "0"): LineageMark => ({
  counter,
  revision,
  nonce: nonce.repeat(16),
  gateway: "g",
});
const known = (incarnation = life(1), revision = 100, lineage?: LineageMark): KnownSource => ({
  incarnation,
  revision,
  lineage,
});
const seen = (
  incarnation: Incarnation | undefined,
  revision = 100,
  lineage?: LineageMark,
): Seen => ({
  incarnation,
  revision,
  lineage,
});

function refusal(admission: ReturnType<typeof admit>): string {
  return admission.kind === "refuse" ? admission.reason : `no refusal but ${admission.kind}`;
}

describe("a store", () => {
  test("that nobody has begun is begun", () => {
    expect(admit(undefined, undefined, seen(undefined))).toEqual({ kind: "create" });
  });

  test("that is new to this process is read", () => {
    expect(admit(undefined, undefined, seen(life(3)))).toMatchObject({ kind: "begin" });
    expect(admit(undefined, known(life(3), 90), seen(life(3)))).toMatchObject({ kind: "begin" });
  });

  test("that went on is resumed", () => {
    const before = known(life(1), 100, mark(5, 99));
    for (const now of [seen(life(1), 100, mark(5, 99)), seen(life(1), 180, mark(9, 170, "1"))]) {
      expect(admit(before, before, now)).toEqual({ kind: "resume" });
    }
  });

  test("in a newer incarnation is read anew, at whatever revision", () => {
    const admission = admit(known(life(1), 100, mark(5, 99)), undefined, seen(life(2, "b"), 3));
    expect(admission).toMatchObject({ kind: "begin", reason: "incarnation 2 (bbbbbbbb) began" });
  });

  test.each([
    [
      "lost its incarnation",
      known(),
      seen(undefined),
      "has no /atoll/incarnation, but incarnation 1 (aaaaaaaa) was seen",
    ],
    [
      "is in an older incarnation",
      known(life(2)),
      seen(life(1)),
      "incarnation 2 (aaaaaaaa) was seen: it was restored from before",
    ],
    [
      "is another of the same number",
      known(life(2)),
      seen(life(2, "b")),
      "two restores of one backup, or two stores",
    ],
    [
      "is at an older revision",
      known(),
      seen(life(1), 99),
      "at revision 99, but 100 was seen: it went back",
    ],
    [
      "lost its lineage",
      known(life(1), 100, mark(5, 99)),
      seen(life(1), 200),
      "no /atoll/lineage, but 5 at revision 99 was seen",
    ],
    [
      "has an older lineage, at a newer revision",
      known(life(1), 100, mark(5, 99)),
      seen(life(1), 200, mark(4, 150)),
      "its lineage is 4 at revision 150, but 5 at revision 99 was seen",
    ],
    [
      "has a newer lineage at an older revision",
      known(life(1), 100, mark(5, 99)),
      seen(life(1), 200, mark(6, 98)),
      "it went back",
    ],
    [
      "has its lineage from another hand",
      known(life(1), 100, mark(5, 99)),
      seen(life(1), 200, mark(5, 99, "1")),
      "its history forked",
    ],
  ])("that %s is refused, whoever knows better", (_, better, now, reason) => {
    expect(refusal(admit(better, undefined, now))).toContain(reason);
    expect(refusal(admit(undefined, better, now))).toContain(reason);
  });

  test("may be resumed past what peers remember of an earlier life", () => {
    expect(admit(known(life(2)), known(life(1), 900), seen(life(2)))).toEqual({ kind: "resume" });
  });

  test("whose history has another lineage where one was seen is a fork, even if it is far ahead", () => {
    const before = mark(5, 99);
    expect(forked(before, before)).toBeUndefined();
    expect(forked(before, "unknown")).toBeUndefined();
    expect(forked(before, "nothing")).toBe(
      "at revision 99 its lineage was none, but 5 was seen: its history forked",
    );
    expect(forked(before, mark(5, 99, "1"))).toContain("forked");
    expect(forked(before, mark(4, 99))).toContain("its lineage was 4");
  });
});

test("what is known joins to the newest life and its farthest point", () => {
  const a = known(life(1), 10, mark(3, 9));
  const b = known(life(1), 12, mark(2, 8));
  expect(joinKnown(a, b)).toEqual(known(life(1), 12, mark(3, 9)));
  expect(joinKnown(b, a)).toEqual(known(life(1), 12, mark(3, 9)));
  expect(joinKnown(a, known(life(2), 1))).toEqual(known(life(2), 1));
  expect(joinKnown(known(life(2), 1), a)).toEqual(known(life(2), 1));
  expect(joinKnown(a, known(life(1, "b"), 50))).toBe(a);
  expect(joinKnown(undefined, a)).toBe(a);
  expect(joinKnown(a, undefined)).toBe(a);
});

test.each([
  ["3.4.23", false],
  ["3.4.25", true],
  ["3.5.7", false],
  ["3.5.8", true],
  ["3.5.21", true],
  ["3.6.0", true],
  ["4.0.0", true],
  ["3.3.99", false],
  ["2.3.8", false],
  ["", false],
  ["not a version", false],
])("progress answers of version %s are trusted: %s", (version, trusted) => {
  expect(trustsProgressRequests(version)).toBe(trusted);
});
