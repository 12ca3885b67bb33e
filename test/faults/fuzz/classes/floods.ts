import type { AttackClass } from "../attack.js";
import { attest, frameOf, telling, wholeOf, wordFor } from "../material.js";

const FRAMES = 1_500;

/** Far more frames a second than any gateway sends: true ones, and nonsense. */
export const flood: AttackClass = ({ random, west }) => {
  const known = telling(west.transfer("machines"), wordFor(west, "machines"));
  const old = west.past[0];
  if (old === undefined) throw new Error("the region has published before");
  const [what, frame] = random.pick([
    ["what is known", known] as const,
    ["what is old", telling(wholeOf(old), attest(west.trust, [old]))] as const,
    ["nothing", frameOf({ echo: { stampMs: 0 } })] as const,
    ["a bad chunk each", frameOf({ chunks: [{ region: "west", summary: "machines" }] })] as const,
  ]);
  return {
    what: `${FRAMES} frames of ${what}`,
    frames: Array.from({ length: FRAMES }, () => frame),
  };
};
