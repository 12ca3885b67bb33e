import type { Transfer } from "./delta.js";
import type { Outcome, RefusalReason } from "./outcome.js";
import type { RegionView } from "./region-register.js";
import { type Incarnation, versionText } from "./version.js";

/** What is said of each reason when there is nothing more special to say. */
export const REFUSAL_TEXTS: Readonly<Record<RefusalReason, string>> = {
  conflict: "two incarnations claim one counter; the region is frozen",
  forgotten: "the region was removed for good",
  superseded: "the region is known in a later incarnation, or another one was adopted",
  jump: "its incarnation comes out of turn",
  unsigned: "it isn't signed by its region",
  "unknown-key": "it is signed by a key that isn't bound to its region",
  forged: "its signature isn't its region's",
  divergence: "equal versions have unequal roots",
  "bad-root": "the root is another than the one claimed",
  invalid: "the content is not valid",
};

/** The refusal of a transfer for which the region's history has no place. */
export function misplaced({ id, to }: Transfer, reason: RefusalReason): Outcome {
  const message = `${id.region} at ${versionText(to)}: ${REFUSAL_TEXTS[reason]}`;
  return { kind: "refused", reason, message };
}

/** What is said of an incarnation that comes out of turn, with the command that resolves it. */
export function jumpText(held: RegionView | undefined, { counter, nonce }: Incarnation): string {
  return (
    `incarnation ${counter} (${nonce}) comes after ${held?.incarnation.counter}; ` +
    `if that is right, run atoll region adopt ${held?.region} ${nonce}`
  );
}
