import { beforeEach, describe, expect, test } from "vitest";
import type { Incarnation } from "../../../global/digest/version.js";
import { type Demand, judge, type MinVersion } from "../../../global/view/contract.js";
import { LineageBook } from "../../../global/view/lineage.js";
import type { RegionReading } from "../../../global/view/view.js";
import { MAX_LIVES_PER_REGION } from "../../../shared/limits.js";
import { nonce } from "../digest/model.js";

const REGION = "eu-west";

/** Life `n` of the region, restored from life `n - 1` at its base. */
function life(n: number, baseRevision: number): Incarnation {
  const parentNonce = n === 1 ? "" : nonce(String(n - 1));
  return { counter: n, nonce: nonce(String(n)), baseRevision, parentNonce };
}
const FIRST = life(1, 0);
const SECOND = life(2, 800);
const THIRD = life(3, 600);

let book: LineageBook;
beforeEach(() => {
  book = new LineageBook();
});

function at(incarnation: Incarnation | undefined, revision: number, ageMs?: number): RegionReading {
  const rest = { region: REGION, status: "fresh", path: "direct", reason: "" } as const;
  return { ...rest, incarnation, revision, ageMs };
}

function kinds(
  reading: RegionReading,
  demand: Partial<Demand>,
  more: { nonces?: string[]; isForgotten?: boolean; isKnown?: boolean } = {},
): string[] {
  const nonces = reading.incarnation === undefined ? [] : [reading.incarnation.nonce];
  const judged = { reading, nonces, isForgotten: false, isKnown: true, ...more };
  const whole = { maxStalenessMs: undefined, minVersion: undefined, ...demand };
  return judge(judged, whole, book).map(({ kind, final }) => (final ? `${kind}!` : kind));
}

function wants(
  revision: number,
  of: Incarnation | string,
  counter = 0,
): { minVersion: MinVersion } {
  const named = typeof of === "string" ? { clusterId: of } : { nonce: of.nonce };
  return { minVersion: { revision, life: named, counter } };
}

describe("staleness", () => {
  test("is held against the age bound, and what isn't known is no bound", () => {
    expect(kinds(at(FIRST, 5, 99.5), { maxStalenessMs: 100 })).toEqual([]);
    expect(kinds(at(FIRST, 5, 100.5), { maxStalenessMs: 100 })).toEqual(["stale"]);
    expect(kinds(at(FIRST, 5), { maxStalenessMs: 100 })).toEqual(["age-unknown"]);
    expect(kinds(at(undefined, 0), { maxStalenessMs: 0 })).toEqual(["age-unknown"]);
  });

  test("and version are missed each by itself", () => {
    const demand = { maxStalenessMs: 1, ...wants(9, FIRST) };
    expect(kinds(at(FIRST, 5, 7), demand)).toEqual(["behind", "stale"]);
  });
});

describe("a write of the life that the region is in", () => {
  test("is there from its revision on", () => {
    expect(kinds(at(FIRST, 811), wants(812, FIRST))).toEqual(["behind"]);
    expect(kinds(at(FIRST, 812), wants(812, FIRST))).toEqual([]);
    expect(kinds(at(undefined, 0), wants(812, FIRST))).toEqual(["behind"]);
  });

  test("may be frozen out by a conflict, which an operator ends", () => {
    const rival = { ...FIRST, nonce: nonce("f") };
    const nonces = [FIRST.nonce, rival.nonce];
    expect(kinds(at(FIRST, 800), wants(812, FIRST), { nonces })).toEqual(["conflict"]);
    expect(kinds(at(FIRST, 812), wants(812, FIRST), { nonces })).toEqual([]);
    expect(kinds(at(FIRST, 900), wants(812, rival), { nonces })).toEqual(["conflict"]);
  });
});

describe("a write of an earlier life", () => {
  test("is kept at or below the revision that was restored, and else gone", () => {
    expect(kinds(at(SECOND, 801), wants(800, FIRST))).toEqual([]);
    expect(kinds(at(SECOND, 5_000), wants(801, FIRST))).toEqual(["lineage-lost!"]);
    expect(kinds(at(SECOND, 700), wants(800, FIRST))).toEqual(["behind"]);
  });

  test("is gone when any restore on the way went back further", () => {
    book.note(REGION, SECOND);
    expect(kinds(at(THIRD, 900), wants(700, SECOND))).toEqual(["lineage-lost!"]);
    expect(kinds(at(THIRD, 900), wants(700, FIRST))).toEqual(["lineage-lost!"]);
    expect(kinds(at(THIRD, 900), wants(600, FIRST))).toEqual([]);
    // The deepest restore counts, wherever it is on the way.
    book.note(REGION, { ...SECOND, nonce: nonce("8"), baseRevision: 50 });
    const later = { ...life(4, 600), parentNonce: nonce("8") };
    expect(kinds(at(later, 900), wants(60, FIRST))).toEqual(["lineage-lost!"]);
    expect(kinds(at(later, 900), wants(50, FIRST))).toEqual([]);
  });

  test("that doesn't lead to the present one is gone, where that is certain", () => {
    const stranger = { ...FIRST, nonce: nonce("e") };
    book.note(REGION, FIRST);
    expect(kinds(at(SECOND, 900), wants(5, stranger, 1))).toEqual(["lineage-lost!"]);
    book.note(REGION, stranger);
    expect(kinds(at(SECOND, 900), wants(5, stranger))).toEqual(["lineage-lost!"]);
  });

  test("that this gateway can't follow back is unknown, unless it is above every base", () => {
    // THIRD names SECOND; that SECOND came from FIRST isn't known here.
    expect(kinds(at(THIRD, 900), wants(500, FIRST, 1))).toEqual(["life-unknown"]);
    expect(kinds(at(THIRD, 900), wants(601, FIRST, 1))).toEqual(["lineage-lost!"]);
  });
});

test("a write of a life that may be newer is waited for", () => {
  expect(kinds(at(FIRST, 900), wants(5, SECOND, 2))).toEqual(["life-unknown"]);
  expect(kinds(at(FIRST, 900), wants(5, SECOND))).toEqual(["life-unknown"]);
});

test("lives that name each other as parents lead nowhere, and end", () => {
  const a = { counter: 3, nonce: nonce("a"), baseRevision: 9, parentNonce: nonce("b") };
  const b = { counter: 3, nonce: nonce("b"), baseRevision: 9, parentNonce: nonce("a") };
  book.note(REGION, a);
  book.note(REGION, b);
  expect(kinds(at(a, 900), wants(5, { ...FIRST, nonce: nonce("c") }, 1))).toEqual(["life-unknown"]);
});

test("no more lives are kept than allowed, the oldest goes", () => {
  book.note(REGION, SECOND);
  for (let n = 0; n < MAX_LIVES_PER_REGION; n++) {
    book.note(REGION, { ...FIRST, nonce: n.toString(16).padStart(32, "0") });
  }
  expect(kinds(at(THIRD, 900), wants(600, FIRST, 1))).toEqual(["life-unknown"]);
});

describe("a cluster id", () => {
  test("stands for the life that has it", () => {
    expect(kinds(at(FIRST, 900), wants(5, "c1"))).toEqual(["life-unknown"]);
    book.noteCluster(REGION, FIRST, "c1");
    expect(kinds(at(FIRST, 900), wants(5, "c1"))).toEqual([]);
    expect(kinds(at(FIRST, 900), wants(5, "c2"))).toEqual(["life-unknown"]);
    book.noteCluster(REGION, SECOND, "c2");
    expect(kinds(at(SECOND, 900), wants(801, "c1"))).toEqual(["lineage-lost!"]);
    expect(kinds(at(SECOND, 900), wants(801, "c2"))).toEqual([]);
  });

  test("that a restored store has kept is ambiguous above the base, never taken for the new life's", () => {
    book.noteCluster(REGION, FIRST, "c1");
    book.noteCluster(REGION, SECOND, "c1");
    expect(kinds(at(SECOND, 900), wants(850, "c1"))).toEqual(["ambiguous!"]);
    expect(kinds(at(SECOND, 900), wants(800, "c1"))).toEqual([]);
  });

  test("that the life before may have had is as ambiguous", () => {
    book.noteCluster(REGION, SECOND, "c1");
    expect(kinds(at(SECOND, 900), wants(850, "c1"))).toEqual(["ambiguous!"]);
    expect(kinds(at(SECOND, 900), wants(800, "c1"))).toEqual([]);
  });
});

test("a region that was removed, or never was, is told apart", () => {
  const demand = { maxStalenessMs: 5 };
  expect(kinds(at(undefined, 0), demand, { isForgotten: true })).toEqual(["forgotten!"]);
  expect(kinds(at(undefined, 0), demand, { isKnown: false })).toEqual(["region-unknown!"]);
});
