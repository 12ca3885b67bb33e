/**
 * What became of a proposal.
 * Taken: `appended` to the leader's log; `forwarded` to the leader (which may still drop it
 * without a word); `conf-change-refused`: an empty entry was appended in its place.
 * Dropped, nothing was done: `no-leader` is known; `forwarding-disabled`; leadership is
 * `transferring`; `uncommitted-limit`: too much is waiting for commit; `not-member`: this
 * leader has been removed.
 */
export type ProposeOutcome =
  | "appended"
  | "forwarded"
  | "conf-change-refused"
  | "no-leader"
  | "forwarding-disabled"
  | "transferring"
  | "uncommitted-limit"
  | "not-member";

/**
 * What became of a message: a proposal's outcome, or `ok`, or why it was not looked at:
 * `local-message` is of a type that never travels, `unknown-peer` answers from a node that
 * is not in the configuration.
 */
export type StepOutcome = ProposeOutcome | "ok" | "local-message" | "unknown-peer";

/** True if a proposal may still be committed, false if it was certainly dropped. */
export function isTaken(outcome: ProposeOutcome): boolean {
  return outcome === "appended" || outcome === "forwarded" || outcome === "conf-change-refused";
}
