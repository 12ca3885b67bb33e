import { checkHistory } from "../linearizability/check.js";
import type { KvOperation, Value } from "../linearizability/key-value.js";
import type { Request } from "./commands.js";
import { Violation } from "./violation.js";

/** What clients asked for and what they were told. */
export class History {
  readonly #operations: KvOperation[] = [];

  /** @param value what it wrote if it wrote; @param call, end as times of the world */
  answered(request: Request, value: number, seen: Value, call: number, end: number): void {
    this.#operations.push({ ...request, value, seen, call, end });
  }

  /** The client gave up, or was told something by a member that is not to be trusted. */
  unanswered(request: Request, value: number, call: number): void {
    const end = Number.POSITIVE_INFINITY;
    this.#operations.push({ ...request, value, seen: undefined, call, end });
  }

  /** Throws a Violation if no order of all this explains it. */
  check(): void {
    const result = checkHistory(this.#operations);
    if (result.verdict === "linearizable") return;
    const rule = result.verdict === "undecided" ? "decidable history" : "linearizability";
    throw new Violation(rule, result.reason);
  }
}
