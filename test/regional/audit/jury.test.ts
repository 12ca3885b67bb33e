import { describe, expect, test } from "vitest";
import { Jury } from "../../../regional/audit/jury.js";
import type { Mark } from "../../../regional/audit/mark.js";
import { MAX_AUDIT_CASES } from "../../../shared/limits.js";

const GOOD = "0".repeat(32);
const BAD = "f".repeat(32);

function chain(index: number, hash: string, version = 1): Mark {
  return { kind: "chain", version, index, hash };
}

describe("members' marks of one subject", () => {
  test("say nothing while only one member has marked it", () => {
    const jury = new Jury();
    expect(jury.add(1, chain(5, GOOD), [1, 2, 3])).toBeUndefined();
    expect(jury.add(1, chain(5, GOOD), [1, 2, 3])).toBeUndefined();
    expect(jury.add(2, chain(6, GOOD), [1, 2, 3])).toBeUndefined();
    expect(jury.has(1, chain(5, BAD))).toBe(true);
    expect(jury.has(2, chain(5, GOOD))).toBe(false);
  });

  test("agree", () => {
    const jury = new Jury();
    jury.add(1, chain(5, GOOD), [1, 2, 3]);
    const verdict = jury.add(2, chain(5, GOOD), [1, 2, 3]);
    expect(verdict).toMatchObject({ agreed: true, majority: GOOD, outliers: [] });
  });

  test("name nobody while no majority says one thing, and who differs as soon as one does", () => {
    const jury = new Jury();
    jury.add(1, chain(5, BAD), [1, 2, 3]);
    const two = jury.add(2, chain(5, GOOD), [1, 2, 3]);
    expect(two).toMatchObject({ agreed: false, majority: undefined, outliers: [] });
    const three = jury.add(3, chain(5, GOOD), [1, 2, 3]);
    expect(three).toMatchObject({ agreed: false, majority: GOOD, outliers: [1] });
  });

  test("never name anybody in a group of two, nor two of five against two of five", () => {
    const jury = new Jury();
    jury.add(1, chain(5, BAD), [1, 2]);
    expect(jury.add(2, chain(5, GOOD), [1, 2])).toMatchObject({ outliers: [] });
    const five = [1, 2, 3, 4, 5];
    jury.add(1, chain(7, BAD), five);
    jury.add(2, chain(7, BAD), five);
    jury.add(3, chain(7, GOOD), five);
    expect(jury.add(4, chain(7, GOOD), five)).toMatchObject({ majority: undefined });
    expect(jury.add(5, chain(7, GOOD), five)).toMatchObject({ majority: GOOD, outliers: [1, 2] });
  });

  test("count those of voters; a learner has no voice but is named", () => {
    const jury = new Jury();
    jury.add(1, chain(5, BAD), [1, 2, 3]);
    jury.add(8, chain(5, GOOD), [1, 2, 3]);
    expect(jury.add(9, chain(5, GOOD), [1, 2, 3])).toMatchObject({ majority: undefined });
    jury.add(2, chain(5, BAD), [1, 2, 3]);
    expect(jury.add(3, chain(5, BAD), [1, 2, 3])).toMatchObject({
      majority: BAD,
      outliers: [8, 9],
    });
  });

  test("are compared only with marks of the same version, index, revision and keys", () => {
    const jury = new Jury();
    const slice: Mark = {
      kind: "slice",
      version: 1,
      round: 7,
      index: 5,
      revision: 4,
      from: "a",
      to: "b",
      hash: GOOD,
    };
    const others: Mark[] = [
      chain(5, GOOD),
      chain(5, GOOD, 2),
      { ...slice, revision: 3 },
      { ...slice, round: 8 },
      { ...slice, index: 6 },
      { ...slice, from: "ab", to: "" },
      { ...slice, from: "" },
      { ...slice, to: undefined },
    ];
    jury.add(1, slice, [1, 2]);
    for (const mark of others) expect(jury.add(2, mark, [1, 2])).toBeUndefined();
    expect(jury.add(2, slice, [1, 2])).toMatchObject({ agreed: true });
  });

  test("of a member that has begun anew are forgotten", () => {
    const jury = new Jury();
    jury.add(1, chain(5, BAD), [1, 2]);
    jury.forget(1);
    expect(jury.add(2, chain(5, GOOD), [1, 2])).toBeUndefined();
  });

  test("are forgotten when there are too many", () => {
    const jury = new Jury();
    for (let index = 0; index <= MAX_AUDIT_CASES; index++) jury.add(1, chain(index, GOOD), [1, 2]);
    expect(jury.has(1, chain(0, GOOD))).toBe(false);
    expect(jury.has(1, chain(1, GOOD))).toBe(true);
  });
});
