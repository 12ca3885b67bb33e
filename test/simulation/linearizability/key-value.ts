import { IMPOSSIBLE, type Interval, type Model } from "./model.js";

/** A key's value: a number that stands for what was written; null: there is none. */
export type Value = number | null;

/**
 * One operation on one key. All kinds answer with the value before them; `seen` is undefined
 * when that is not known, because there was no answer or because it was not asked for.
 * A `swap` writes only if the value is `expected`, so one with an answer has `seen`.
 */
export type KvOperation = Interval & {
  readonly key: number;
  readonly seen: Value | undefined;
} & (
    | { readonly kind: "get" }
    | { readonly kind: "put"; readonly value: number }
    | { readonly kind: "delete" }
    | { readonly kind: "swap"; readonly expected: Value; readonly value: number }
  );

/** One key of a key-value store. */
export const KEY_MODEL: Model<Value, KvOperation> = {
  initial: null,
  step(state, operation) {
    const { seen } = operation;
    if (seen !== undefined && seen !== state) return IMPOSSIBLE;
    switch (operation.kind) {
      case "get":
        return state;
      case "put":
        return operation.value;
      case "delete":
        return null;
      case "swap":
        return state === operation.expected ? operation.value : state;
    }
  },
  isBlind: ({ kind, seen }) => seen === undefined && (kind === "put" || kind === "delete"),
};

/** What an operation may have written; undefined for one that only reads. */
function written(operation: KvOperation): Value | undefined {
  if (operation.kind === "get") return undefined;
  return operation.kind === "delete" ? null : operation.value;
}

/**
 * A history of one key without the unanswered operations that made no difference: reads, and
 * writes whose value nobody saw and on whose value no unanswered swap depends. Where such a
 * write has a place in a legal order, nothing depends on the state between it and the next
 * write, so the order is as legal without it. Without this, each unanswered write would
 * double the orders to be tried.
 */
export function withoutUnseen(operations: readonly KvOperation[]): KvOperation[] {
  const matters = new Set<Value | undefined>();
  for (const operation of operations) {
    if (operation.end < Infinity) matters.add(operation.seen);
    else if (operation.kind === "swap") matters.add(operation.expected);
  }
  matters.delete(undefined);
  return operations.filter((each) => each.end < Infinity || matters.has(written(each)));
}

/** An operation in words. */
export function describeOperation(operation: KvOperation): string {
  const { kind, key, call, end, seen } = operation;
  const value = kind === "put" || kind === "swap" ? ` ${operation.value}` : "";
  const condition = kind === "swap" ? ` if ${operation.expected}` : "";
  const answer = end === Infinity ? "no answer" : `saw ${seen}`;
  return `${kind} of key ${key}${value}${condition} at ${call} to ${end}: ${answer}`;
}
