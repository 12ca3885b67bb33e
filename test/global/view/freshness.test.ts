import { beforeEach, describe, expect, test } from "vitest";
import { GlobalState } from "../../../global/digest/global-state.js";
import { RETIRED, type Section } from "../../../global/digest/section.js";
import {
  ageAt,
  asOfFromEcho,
  type Confirmation,
  FreshnessBook,
} from "../../../global/view/freshness-book.js";
import { type RegionLink, View } from "../../../global/view/view.js";
import { sha256 } from "../../../shared/hash.js";
import {
  CLOCK_DRIFT,
  FRESH_WITHIN_MS,
  MAX_CONFIRMATIONS_PER_REGION,
  QUARANTINE_AFTER_FAILURES,
} from "../../../shared/limits.js";
import {
  adopt,
  forget,
  History,
  incarnation,
  nonce,
  OTHER_SCHEMA,
  usEast,
  version,
  wordOf,
} from "../digest/model.js";

const REGION = "us-east";
const ID = { region: REGION, summary: "machines" };
const DIRECT: RegionLink = { reachable: true, path: "direct", reason: "" };
const LINKS = new Map([[REGION, DIRECT]]);

let state: GlobalState;
let book: FreshnessBook;
let view: View;
let history: History;

beforeEach(() => {
  state = new GlobalState(sha256);
  book = new FreshnessBook(state);
  view = new View(state, book);
  history = new History(REGION);
  for (let i = 0; i < 40; i++) history.step({ a: i });
});

function confirm(revision: number, asOfMs: number, more: Partial<Confirmation> = {}): void {
  book.confirm({ region: REGION, incarnation: incarnation(1), revision, asOfMs, ...more });
}

function moveTo(revision: number, from = history): void {
  expect(state.receive(from.whole(revision)).kind).toBe("applied");
  book.moved(state.section(ID) as Section);
}

function asOf(): number | undefined {
  return book.asOf(state.section(ID) as Section);
}

describe("as-of", () => {
  test("isn't held up by what was said of another life before anything was here", () => {
    confirm(9, 1e9, { incarnation: incarnation(2 ** 40, "f") });
    moveTo(5);
    confirm(5, 200);
    expect(asOf()).toBe(200);
    expect(book.newest(REGION)?.incarnation).toEqual(incarnation(1));
  });

  test("isn't changed by what is said of another life than the one that is here", () => {
    moveTo(5);
    confirm(5, 200);
    confirm(9, 1e9, { incarnation: incarnation(7, "f") });
    expect(book.newest(REGION)?.revision).toBe(5);
    expect(asOf()).toBe(200);
  });

  test("counts once the section stands at the confirmed revision or past it", () => {
    moveTo(5);
    expect(asOf()).toBeUndefined();
    confirm(6, 1_000);
    expect(asOf()).toBeUndefined();
    moveTo(6);
    expect(asOf()).toBe(1_000);
    confirm(6, 1_200);
    expect(asOf()).toBe(1_200);
  });

  test("only grows, in whatever order confirmations come", () => {
    moveTo(9);
    confirm(9, 2_000);
    confirm(4, 1_000);
    confirm(9, 1_500);
    expect(asOf()).toBe(2_000);
    confirm(5, 2_500);
    expect(asOf()).toBe(2_500);
  });

  test("of a summary that is new goes by what was confirmed before", () => {
    confirm(5, 1_000);
    moveTo(7);
    expect(asOf()).toBe(1_000);
  });

  test("moves on however many confirmations a section lags behind", () => {
    moveTo(2);
    for (let i = 0; i < 2 * MAX_CONFIRMATIONS_PER_REGION; i++) confirm(3 + i, 100 + i);
    moveTo(5);
    expect(asOf()).toBe(102);
    moveTo(2 + 2 * MAX_CONFIRMATIONS_PER_REGION);
    expect(asOf()).toBe(99 + 2 * MAX_CONFIRMATIONS_PER_REGION);
  });

  test("of one life says nothing of another", () => {
    moveTo(9);
    confirm(9, 1_000);
    const restored = new History(REGION, { incarnation: incarnation(2, "b") });
    for (let i = 0; i < 9; i++) restored.step({ b: i });
    moveTo(4, restored);
    expect(asOf()).toBeUndefined();
    confirm(4, 1_500, { incarnation: incarnation(1) });
    expect(asOf()).toBeUndefined();
    confirm(4, 2_000, { incarnation: incarnation(2, "b") });
    expect(asOf()).toBe(2_000);
    confirm(4, 3_000, { incarnation: incarnation(2, "c") });
    expect(asOf()).toBe(2_000);
  });

  test("of a life that an operator settled for counts, however far the other one was", () => {
    moveTo(9);
    confirm(9, 1_000);
    const twin = new History(REGION, { incarnation: incarnation(1, "b") });
    for (let i = 0; i < 9; i++) twin.step({ b: i });
    expect(state.obey(adopt(REGION, incarnation(1, "b")))).toBe("news");
    moveTo(4, twin);
    confirm(4, 2_000, { incarnation: incarnation(1, "b") });
    expect(asOf()).toBe(2_000);
    confirm(9, 3_000);
    expect(asOf()).toBe(2_000);
  });

  test("of the definition before stays where it was when the definition changes", () => {
    const publish = (definition: number, revision: number, schema = OTHER_SCHEMA): Section => {
      const before = state.section(ID) as Section;
      const to = version(revision, { definition });
      state.publish({ id: ID, to, from: undefined, schema, changes: new Map() });
      book.moved(state.section(ID) as Section);
      return before;
    };
    // Another region stays with the old definition, so that it is still needed.
    const other = new History("eu-west");
    state.receive(other.whole(2));
    moveTo(5);
    confirm(5, 1_000);
    const before = publish(6, 7);
    confirm(7, 2_000);
    expect(asOf()).toBe(2_000);
    expect(book.asOf(before)).toBe(1_000);
    expect(state.region(REGION)?.previous("machines")).toBe(before);
  });

  test("of a region that was removed is gone", () => {
    moveTo(5);
    confirm(5, 1_000);
    book.forget(REGION);
    expect(asOf()).toBeUndefined();
    expect(book.newest(REGION)).toBeUndefined();
  });
});

describe("ages", () => {
  test("are never smaller than the true ones, for any drift within the bound", () => {
    // In true time: the data was current at 0; we sent the ping at 50; the sender, having
    // received it, made its frame at 80; now is 1,080.
    for (const ours of [1 - CLOCK_DRIFT / 2, 1, 1 + CLOCK_DRIFT / 2]) {
      for (const theirs of [1 - CLOCK_DRIFT / 2, 1, 1 + CLOCK_DRIFT / 2]) {
        const offset = 5_000_000;
        const ourClock = (trueMs: number): number => offset + trueMs * ours;
        const senderAge = ageAt(0, 80 * theirs);
        const bound = ageAt(asOfFromEcho(ourClock(50), senderAge), ourClock(1_080));
        expect(bound).toBeGreaterThanOrEqual(1_080);
        expect(bound).toBeLessThan(1_080 + 40);
      }
    }
    expect(ageAt(10, 5)).toBe(0);
  });
});

describe("a region's reading", () => {
  const read = (nowMs: number, links = LINKS) =>
    view.partReading(REGION, "machines", state.section(ID), links, nowMs);

  test("is fresh while its age is small, then stale", () => {
    moveTo(5);
    confirm(5, 1_000);
    expect(read(1_100)).toMatchObject({
      revision: 5,
      status: "fresh",
      ageMs: 100 * (1 + CLOCK_DRIFT),
      path: "direct",
      reason: "",
    });
    expect(read(1_100 + FRESH_WITHIN_MS)).toMatchObject({ status: "stale" });
  });

  test("is unknown, not fresh, while the age is", () => {
    moveTo(5);
    expect(read(1_100)).toMatchObject({ status: "unknown", ageMs: undefined, revision: 5 });
  });

  test("is unreachable with the age it has when nothing comes", () => {
    moveTo(5);
    confirm(5, 1_000);
    const cut = new Map([[REGION, { reachable: false, path: "", reason: "no answer for 5 s" }]]);
    expect(read(9_000, cut)).toMatchObject({
      status: "unreachable",
      ageMs: 8_000 * (1 + CLOCK_DRIFT),
      reason: "no answer for 5 s",
    });
    expect(read(9_000, new Map())).toMatchObject({ status: "unreachable" });
  });

  test("says what is wrong with a region that comes all the same", () => {
    const links = new Map([[REGION, { ...DIRECT, reason: "permission denied" }]]);
    moveTo(5);
    expect(read(1_000, links)).toMatchObject({
      status: "unknown",
      reason: "its age is not known to this gateway yet; permission denied",
    });
    confirm(5, 1_000);
    expect(read(1_001, links)).toMatchObject({ status: "fresh", reason: "permission denied" });
    expect(read(1_001)).toMatchObject({ status: "fresh", reason: "" });
    const { status, reason } = read(1_000 + 2 * FRESH_WITHIN_MS, links);
    expect(status).toBe("stale");
    expect(reason).toMatch(/^it may be \d+ ms old; permission denied$/);
  });

  test("says conflict and quarantine before all else", () => {
    moveTo(5);
    confirm(5, 1_000);
    for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) state.noteFault(ID, "garbage");
    expect(read(1_001)).toMatchObject({ status: "quarantined", reason: "garbage" });
    expect(view.regionReading(REGION, LINKS, 1_001)).toMatchObject({
      status: "quarantined",
      reason: "machines: garbage",
    });
    state.witness(wordOf(usEast({ incarnation: incarnation(1, "c") })));
    const conflict = read(1_001);
    expect(conflict).toMatchObject({ status: "conflict", revision: 5 });
    expect(conflict.reason).toContain(nonce("a"));
    expect(conflict.reason).toContain(nonce("c"));
  });

  test("as a whole stands as its oldest section does", () => {
    moveTo(5);
    confirm(5, 1_000);
    const late = { region: REGION, summary: "late" };
    const publish = (revision: number): void => {
      const schema = OTHER_SCHEMA;
      const to = version(revision);
      state.publish({ id: late, to, from: undefined, schema, changes: new Map() });
      book.moved(state.section(late) as Section);
    };
    publish(3);
    expect(view.regionReading(REGION, LINKS, 1_100)).toMatchObject({
      revision: 3,
      status: "unknown",
    });
    publish(6);
    expect(view.regionReading(REGION, LINKS, 1_100)).toMatchObject({
      revision: 5,
      status: "fresh",
    });
  });

  test("as a whole does not stand still with a summary that was deleted", () => {
    moveTo(5);
    const gone = { region: REGION, summary: "gone" };
    const to = version(3, { definition: 3 });
    state.publish({ id: gone, to, from: undefined, schema: RETIRED, changes: new Map() });
    confirm(5, 1_000);
    expect(view.regionReading(REGION, LINKS, 1_100)).toMatchObject({
      revision: 5,
      status: "fresh",
    });
    expect(view.summaries()).toEqual(["machines"]);
  });

  test("without any summary stands where it was last confirmed", () => {
    expect(view.regionReading(REGION, LINKS, 1_100)).toMatchObject({
      revision: 0,
      incarnation: undefined,
      status: "unknown",
    });
    confirm(12, 1_000);
    expect(view.regionReading(REGION, LINKS, 1_100)).toMatchObject({
      revision: 12,
      status: "fresh",
    });
  });

  test("without the summary that is asked for has no version and no age", () => {
    moveTo(5);
    confirm(5, 1_000);
    expect(view.partReading(REGION, "absent", undefined, LINKS, 1_100)).toMatchObject({
      status: "unknown",
      revision: 0,
      ageMs: undefined,
      reason: expect.stringContaining("absent") as string,
    });
  });
});

test("regions are those with data and those with a link, without the removed", () => {
  moveTo(5);
  const links = new Map([...LINKS, ["eu-west", DIRECT], ["gone", DIRECT]]);
  state.obey(forget("gone", 3));
  expect(view.regions(links)).toEqual(["eu-west", "us-east"]);
  expect(view.summaries()).toEqual(["machines"]);
});
