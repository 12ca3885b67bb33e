import { describeOperation, KEY_MODEL, type KvOperation, withoutUnseen } from "./key-value.js";
import { findOrder } from "./search.js";

/** Steps after which the search of one key's history is given up. */
const MAX_STEPS = 10_000_000;

/** Last operations of the longest legal order that a description shows. */
const SHOWN = 6;

/** What a history is. `undecided`: too hard to tell; `reason` says which key and why. */
export type Verdict =
  | { readonly verdict: "linearizable"; readonly steps: number }
  | { readonly verdict: "not-linearizable" | "undecided"; readonly reason: string };

/**
 * Checks that a history of a key-value store is linearizable (Herlihy and Wing 1990).
 * Linearizability is local: a history is linearizable exactly if each key's is.
 */
export function checkHistory(history: readonly KvOperation[], maxSteps = MAX_STEPS): Verdict {
  const byKey = new Map<number, KvOperation[]>();
  for (const operation of history) {
    const known = byKey.get(operation.key);
    if (known === undefined) byKey.set(operation.key, [operation]);
    else known.push(operation);
  }
  let steps = 0;
  for (const [key, all] of byKey) {
    const operations = withoutUnseen(all);
    const result = findOrder(KEY_MODEL, operations, maxSteps);
    steps += result.steps;
    if (result.found) continue;
    if (result.undecided) {
      return { verdict: "undecided", reason: `key ${key}: no order in ${maxSteps} steps` };
    }
    const shown = result.longest.slice(-SHOWN).map((place) => operations[place] as KvOperation);
    const lines = [
      `key ${key}: no order of its ${operations.length} operations is legal`,
      `the longest legal one has ${result.longest.length} and ends with`,
      ...shown.map((operation) => `  ${describeOperation(operation)}`),
      `then the value is ${result.state}, and next would have to be`,
      `  ${describeOperation(operations[result.stuck] as KvOperation)}`,
    ];
    return { verdict: "not-linearizable", reason: lines.join("\n") };
  }
  return { verdict: "linearizable", steps };
}
