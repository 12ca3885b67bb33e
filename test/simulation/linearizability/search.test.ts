import { expect, test } from "vitest";
import { type Random, seededRandom } from "../../../shared/random.js";
import { checkHistory } from "./check.js";
import { KEY_MODEL, type KvOperation, type Value } from "./key-value.js";
import { IMPOSSIBLE } from "./model.js";
import { type HistoryShape, randomHistory } from "./random-history.js";
import { findOrder } from "./search.js";

/** Tries every order, by the definition of linearizability and nothing else. */
function isLinearizableByDefinition(operations: readonly KvOperation[]): boolean {
  const explore = (left: readonly KvOperation[], state: Value): boolean => {
    if (left.every(({ end }) => end === Number.POSITIVE_INFINITY)) return true;
    return left.some((next) => {
      const rest = left.filter((other) => other !== next);
      if (rest.some(({ end }) => end < next.call)) return false;
      const after = KEY_MODEL.step(state, next);
      return after !== IMPOSSIBLE && explore(rest, after);
    });
  };
  return explore(operations, KEY_MODEL.initial);
}

/** Gives one of the answers another value, which may or may not be legal too. */
function corrupt(random: Random, history: readonly KvOperation[]): KvOperation[] {
  const at = random.int(history.length);
  const seen = random.chance(0.3) ? null : random.int(history.length);
  return history.map((each, i) => (i === at && each.seen !== undefined ? { ...each, seen } : each));
}

const SMALL: HistoryShape = { operations: 6, clients: 3, keys: 1, unanswered: 0.3, blind: 0.3 };

test("agrees with the definition on thousands of small histories", () => {
  const random = seededRandom(11);
  const verdicts = { good: 0, bad: 0 };
  for (let i = 0; i < 6000; i++) {
    const made = randomHistory(random, SMALL);
    const history = i % 2 === 0 ? made : corrupt(random, made);
    const legal = isLinearizableByDefinition(history);
    if (i % 2 === 0) expect(legal).toBe(true);
    const { verdict } = checkHistory(history);
    expect(verdict, JSON.stringify(history)).toBe(legal ? "linearizable" : "not-linearizable");
    verdicts[legal ? "good" : "bad"]++;
  }
  expect(verdicts.bad).toBeGreaterThan(1000);
});

test("the order found is legal, complete and agrees with real time", () => {
  const random = seededRandom(12);
  for (let i = 0; i < 50; i++) {
    const history = randomHistory(random, { ...SMALL, operations: 60, unanswered: 0.05 });
    const result = findOrder(KEY_MODEL, history, 1_000_000);
    if (!result.found) expect.fail("no order was found");
    const order = result.order.map((place) => history[place] as KvOperation);
    let state: Value = KEY_MODEL.initial;
    for (const [position, operation] of order.entries()) {
      const next = KEY_MODEL.step(state, operation);
      if (next === IMPOSSIBLE) expect.fail("the order is not legal");
      state = next;
      for (const later of order.slice(position + 1)) {
        expect(later.end).toBeGreaterThanOrEqual(operation.call);
      }
    }
    const left = history.filter((operation) => !order.includes(operation));
    for (const { end } of left) expect(end).toBe(Number.POSITIVE_INFINITY);
  }
});

test("long histories of many clients take a few steps an operation", () => {
  const random = seededRandom(13);
  const shape = { operations: 20_000, clients: 20, keys: 10, unanswered: 0.02, blind: 0 };
  const result = checkHistory(randomHistory(random, shape));
  if (result.verdict !== "linearizable") expect.fail(result.reason);
  expect(result.steps).toBeLessThan(100 * shape.operations);
});
