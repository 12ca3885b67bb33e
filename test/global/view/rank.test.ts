import { describe, expect, test } from "vitest";
import { type Place, rank } from "../../../global/view/rank.js";
import type { RegionReading } from "../../../global/view/view.js";

const NEEDS = { maxStalenessMs: 1_000, minCapacity: undefined };

function place(
  region: string,
  more: Partial<Place> = {},
  reading: Partial<RegionReading> = {},
): Place {
  const rest = { status: "fresh", path: "direct", reason: "" } as const;
  return {
    reading: { region, incarnation: undefined, revision: 9, ageMs: 5, ...rest, ...reading },
    ...{ intent: "active", hasGroup: true, capacity: undefined, rttMs: 10, ...more },
  };
}

function order(places: readonly Place[], needs: Partial<typeof NEEDS> = {}): string[] {
  return rank(places, { ...NEEDS, ...needs }).map(({ reading, objections }) =>
    [reading.region, ...objections].join(" "),
  );
}

test("the nearest is first, then the roomiest, then by name; what isn't measured is last", () => {
  const places = [
    place("far", { rttMs: 200 }),
    place("unmeasured", { rttMs: undefined }),
    place("b", { rttMs: 20 }),
    place("a", { rttMs: 20 }),
    place("roomy", { rttMs: 20, capacity: 7 }),
    place("home", { rttMs: 0 }),
  ];
  expect(order(places)).toEqual(["home", "roomy", "a", "b", "far", "unmeasured"]);
  expect(rank(places, NEEDS).at(-1)?.notes).toEqual(["no round trip to it is measured"]);
});

describe("what speaks against a region puts it behind, with the reason", () => {
  test.each([
    ["intent", place("x", { intent: "standby" }), "it is standby"],
    ["intent", place("x", { intent: undefined }), "what it is for isn't known to this gateway"],
    ["no-group", place("x", { hasGroup: false }), "it has nothing of the group"],
    ["freshness", place("x", {}, { ageMs: 1_000.2 }), "it may be 1001 ms old; at most 1000 counts"],
    ["freshness", place("x", {}, { ageMs: undefined }), "its age isn't known to this gateway"],
    ["freshness", place("x", {}, { status: "conflict", reason: "two lives" }), "two lives"],
    ["freshness", place("x", {}, { status: "quarantined", reason: "bad root" }), "bad root"],
  ])("%s", (objection, bad, note) => {
    const near = { ...bad, rttMs: 1 };
    expect(order([near, place("far", { rttMs: 300 })])).toEqual(["far", `x ${objection}`]);
    expect(rank([near], NEEDS)[0]?.notes).toEqual([note]);
  });

  test.each([
    [0, 0, false],
    [0, 0.5, true],
    [8, 7.9, false],
    [8, 8, true],
    [8, undefined, false],
  ])("capacity: %d is needed, %s is there", (minCapacity, capacity, isEnough) => {
    const [ranked] = rank([place("x", { capacity })], { ...NEEDS, minCapacity });
    expect(ranked?.objections).toEqual(isEnough ? [] : ["capacity"]);
  });
});

test("a region that isn't heard of at present counts while its digest is young enough", () => {
  const unreachable = { status: "unreachable", reason: "silent", ageMs: 900 } as const;
  expect(order([place("x", {}, unreachable)])).toEqual(["x"]);
});
