import { expect, test } from "vitest";
import { decide } from "../../../global/redis/core/decide.js";
import { unitOf } from "../../../global/redis/core/keys.js";
import { retryPauseMs } from "../../../global/redis/core/retry.js";
import { standingOf, type Vector } from "../../../global/redis/core/standing.js";
import { targetOf } from "../../../global/redis/core/target.js";
import {
  newUnit,
  type Plan,
  type Stored,
  takeFailure,
  takeReply,
  type Unit,
} from "../../../global/redis/core/unit.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import { View } from "../../../global/view/view.js";
import { sha256 } from "../../../shared/hash.js";
import {
  MIRROR_ABANDON_MS,
  MIRROR_CLAIM_MS,
  MIRROR_RECHECK_MS,
  MIRROR_RETRY_MAX_MS,
  MIRROR_RETRY_MIN_MS,
} from "../../../shared/limits.js";
import { History, newState, version } from "../digest/model.js";

/** Who writes, who looks, and who gives way, decided without Redis. */
const REFRESH_MS = 1_000;
const ME = "me";
const EAST = "us-east";
const WEST = "eu-west";

/** A gateway that has us-east at revision 6 and eu-west at 4, and its memory of the merge. */
class Decider {
  readonly unit: Unit = newUnit(unitOf("machines"), "machines", 0);
  readonly #state = newState();
  readonly #view = new View(this.#state, new FreshnessBook(this.#state));

  constructor() {
    for (const [region, last] of [
      [EAST, 6],
      [WEST, 4],
    ] as const) {
      const history = new History(region);
      for (let i = 3; i <= last; i++) history.step({ [`g${i}`]: i });
      this.#state.receive(history.whole(3));
      for (let i = 4; i <= last; i++) this.#state.receive(history.delta(i - 1, i));
    }
  }

  get lines(): string {
    return targetOf(this.#view, this.unit.id, new Map())?.lines ?? "";
  }

  /** Redis is seen to hold us-east and eu-west at these revisions; 0 for none. */
  sees(east: number, west: number, nowMs: number, more: Partial<Stored> = {}): void {
    const vector: Record<string, string> = {};
    if (east > 0) vector[EAST] = standingOf(version(east));
    if (west > 0) vector[WEST] = standingOf(version(west));
    this.seesVector(vector, nowMs, more);
  }

  seesVector(vector: Vector | undefined, nowMs: number, more: Partial<Stored> = {}): void {
    const rest = { seq: 1, writer: "other", claimant: "", intact: true, lines: this.lines };
    takeReply(this.unit, { outcome: "looked", stored: { vector, ...rest, ...more } }, nowMs);
  }

  at(nowMs: number): Plan {
    const target = targetOf(this.#view, this.unit.id, new Map());
    if (target === undefined) throw new Error("no target");
    const context = { nowMs, writer: ME, refreshMs: REFRESH_MS, state: this.#state, hash: sha256 };
    return decide(this.unit, target, context);
  }
}

test("what was never looked at is looked at; where there is nothing all is written", () => {
  const decider = new Decider();
  expect(decider.at(0).kind).toBe("look");
  decider.seesVector(undefined, 1, { writer: "" });
  expect(decider.at(1).kind).toBe("whole");
});

test("its last writer writes a change at once, as a delta of what has changed", () => {
  const decider = new Decider();
  decider.sees(5, 3, 0, { writer: ME });
  decider.unit.notedMs = 10;
  const plan = decider.at(10);
  expect(plan).toMatchObject({ kind: "delta", claim: false, standstill: undefined });
  expect(plan.kind === "delta" && [...plan.changes.keys()].sort()).toEqual(['["g4"]', '["g6"]']);
});

test("others look first whether it was written", () => {
  const decider = new Decider();
  decider.sees(5, 3, 0);
  decider.unit.notedMs = 10;
  expect(decider.at(110).kind).toBe("look");
  decider.sees(6, 4, 120);
  expect(decider.at(120).kind).toBe("idle");
  expect(decider.unit.notedMs).toBeUndefined();
  decider.unit.notedMs = 200;
  decider.sees(5, 4, 300);
  expect(decider.at(300).kind).toBe("delta");
});

test("versions are told again by the last writer, and by another when that one has stopped", () => {
  const decider = new Decider();
  decider.sees(6, 4, 0, { writer: ME });
  expect(decider.at(REFRESH_MS - 1).kind).toBe("idle");
  expect(decider.at(REFRESH_MS)).toMatchObject({ kind: "delta", changes: new Map() });
  decider.sees(6, 4, 0, { seq: 2 });
  expect(decider.at(REFRESH_MS).kind).toBe("idle");
  expect(decider.at(5 * REFRESH_MS).kind).toBe("look");
  decider.sees(6, 4, 5 * REFRESH_MS, { seq: 2 });
  expect(decider.at(5 * REFRESH_MS).kind).toBe("delta");
});

test.each<[string, Partial<Stored>]>([
  ["groups are missing", { intact: false }],
  ["another definition is merged", { lines: "other" }],
])("all is written where %s", (_, more) => {
  const decider = new Decider();
  decider.sees(5, 4, 0, { writer: ME, ...more });
  decider.unit.notedMs = 1;
  expect(decider.at(1).kind).toBe("whole");
});

test("after a gap all is written, and after a failure it is looked again, ever later", () => {
  const decider = new Decider();
  decider.sees(5, 4, 0, { writer: ME });
  decider.unit.notedMs = 1;
  const { stored } = decider.unit;
  if (stored === undefined) throw new Error("nothing is stored");
  takeReply(decider.unit, { outcome: "gap", stored }, 2);
  expect(decider.at(2).kind).toBe("whole");
  takeFailure(decider.unit, 3, 0);
  expect(decider.unit.dueMs).toBe(3 + MIRROR_RETRY_MIN_MS / 2);
  expect(decider.at(3).kind).toBe("look");
  expect(retryPauseMs(2, 1)).toBe(2 * MIRROR_RETRY_MIN_MS);
  expect(retryPauseMs(1_000, 1)).toBe(MIRROR_RETRY_MAX_MS);
});

/** Looks each time that is wanted, at a Redis that `stored` describes; gives the first write. */
function firstWrite(
  decider: Decider,
  limitMs: number,
  see: (nowMs: number) => void,
): [Plan, number] {
  for (let nowMs = 0; nowMs <= limitMs; nowMs += MIRROR_RECHECK_MS / 2) {
    const plan = decider.at(nowMs);
    if (plan.kind === "look") see(nowMs);
    else if (plan.kind !== "idle") return [plan, nowMs];
  }
  return [{ kind: "idle" }, limitMs];
}

test("what goes on lacking a change of one region, while it leads in another, is claimed", () => {
  const decider = new Decider();
  let east = 7;
  const [plan, atMs] = firstWrite(decider, 60_000, (nowMs) => decider.sees(east++, 3, nowMs));
  expect(plan).toMatchObject({ claim: true, standstill: undefined });
  expect(atMs).toBeGreaterThanOrEqual(MIRROR_CLAIM_MS);
  expect(atMs).toBeLessThan(2 * MIRROR_CLAIM_MS);
});

test("what comes forward in every region is never claimed, however often it leads", () => {
  const decider = new Decider();
  const [plan] = firstWrite(decider, 60_000, (nowMs) => {
    // Redis has this gateway's eu-west a second later, and leads in us-east all the time.
    decider.sees(100 + nowMs, nowMs % 2_000 < 1_000 ? 3 : 4, nowMs);
  });
  expect(plan.kind).toBe("idle");
});

test("a region that nobody knows leaves only when nothing was written for long", () => {
  const lacking: Vector = {
    [EAST]: standingOf(version(5)),
    "ap-south": standingOf(version(9)),
  };
  const stuck = new Decider();
  const [plan, atMs] = firstWrite(stuck, 60_000, (nowMs) => stuck.seesVector(lacking, nowMs));
  expect(plan).toMatchObject({ kind: "whole", standstill: 1, claim: false });
  expect(atMs).toBeGreaterThanOrEqual(MIRROR_ABANDON_MS);
  const alive = new Decider();
  const [other] = firstWrite(alive, 60_000, (nowMs) =>
    alive.seesVector(lacking, nowMs, { seq: Math.floor(nowMs / 1_000) }),
  );
  expect(other.kind).toBe("idle");
});

test("a region in conflict is left as it is", () => {
  const decider = new Decider();
  const other = {
    ...version(5),
    incarnation: { ...version(5).incarnation, nonce: "f".repeat(32) },
  };
  const [plan] = firstWrite(decider, 60_000, (nowMs) =>
    decider.seesVector({ [EAST]: standingOf(other), [WEST]: standingOf(version(3)) }, nowMs),
  );
  expect(plan.kind).toBe("idle");
});
