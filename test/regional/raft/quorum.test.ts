import fc from "fast-check";
import { expect, test } from "vitest";
import {
  jointIndex,
  jointVote,
  majorityIndex,
  majorityVote,
} from "../../../regional/raft/quorum.js";

fc.configureGlobal({ seed: 1 });

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 });
const acks = fc.array(fc.nat({ max: 6 }), { minLength: 10, maxLength: 10 });
const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 10, maxLength: 10 });

const lookup = (indexes: number[]) => ({ ackedIndex: (id: number) => indexes[id] ?? 0 });

/** The largest index that more than half have, by trying all. */
function bruteIndex(voters: number[], indexes: number[]): number {
  if (voters.length === 0) return Number.MAX_SAFE_INTEGER;
  for (let index = 10; index > 0; index--) {
    const have = voters.filter((id) => (indexes[id] ?? 0) >= index).length;
    if (have * 2 > voters.length) return index;
  }
  return 0;
}

/** What an election can still become, by trying all ways in which the missing may vote. */
function bruteVote(voters: number[], given: (boolean | undefined)[]): string {
  if (voters.length === 0) return "won";
  const missing = voters.filter((id) => given[id] === undefined);
  const outcomes = new Set<boolean>();
  for (let mask = 0; mask < 1 << missing.length; mask++) {
    const yes = voters.filter(
      (id) => given[id] ?? ((mask >> missing.indexOf(id)) & 1) === 1,
    ).length;
    outcomes.add(yes * 2 > voters.length);
  }
  if (outcomes.size === 2) return "pending";
  return outcomes.has(true) ? "won" : "lost";
}

function toMap(given: (boolean | undefined)[]): Map<number, boolean> {
  const map = new Map<number, boolean>();
  for (const [id, vote] of given.entries()) if (vote !== undefined) map.set(id, vote);
  return map;
}

test("the committed index is the largest that a majority has", () => {
  fc.assert(
    fc.property(ids, acks, (voters, indexes) => {
      expect(majorityIndex(voters, lookup(indexes))).toBe(bruteIndex(voters, indexes));
    }),
  );
});

test("a joint index needs both majorities, and an empty half changes nothing", () => {
  fc.assert(
    fc.property(ids, ids, acks, (one, other, indexes) => {
      const expected = Math.min(bruteIndex(one, indexes), bruteIndex(other, indexes));
      expect(jointIndex(one, other, lookup(indexes))).toBe(expected);
      expect(jointIndex(one, [], lookup(indexes))).toBe(majorityIndex(one, lookup(indexes)));
    }),
  );
});

test("a vote is won or lost as soon as no missing vote can change it", () => {
  fc.assert(
    fc.property(ids, votes, (voters, given) => {
      expect(majorityVote(voters, toMap(given))).toBe(bruteVote(voters, given));
    }),
  );
});

test("a joint vote is lost with either half and won with both", () => {
  fc.assert(
    fc.property(ids, ids, votes, (one, other, given) => {
      const halves = [bruteVote(one, given), bruteVote(other, given)];
      const expected = halves.includes("lost")
        ? "lost"
        : halves.includes("pending")
          ? "pending"
          : "won";
      expect(jointVote(one, other, toMap(given))).toBe(expected);
    }),
  );
});
