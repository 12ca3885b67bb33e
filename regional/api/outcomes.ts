import { AtollError } from "../../shared/errors.js";
import { etcdError } from "../store/etcd-errors.js";
import type { ErrorOutcome, Outcome } from "../store/outcome.js";

/** The outcome, or etcd's error thrown when it is one. */
export function unwrap<T extends { readonly kind: string }>(
  outcome: T | ErrorOutcome,
): Exclude<T, ErrorOutcome> {
  if (isError(outcome)) throw etcdError(outcome.error);
  return outcome as Exclude<T, ErrorOutcome>;
}

function isError(outcome: { readonly kind: string }): outcome is ErrorOutcome {
  return outcome.kind === "error";
}

/** The outcome of the kind that the command must give; throws etcd's error when it is one. */
export function expectOutcome<K extends Exclude<Outcome["kind"], "error">>(
  outcome: Outcome,
  kind: K,
): Extract<Outcome, { readonly kind: K }> {
  if (outcome.kind === kind) return outcome as Extract<Outcome, { readonly kind: K }>;
  if (outcome.kind === "error") throw etcdError(outcome.error);
  throw new AtollError("INTERNAL", `a ${kind} command gave a ${outcome.kind} outcome`);
}
