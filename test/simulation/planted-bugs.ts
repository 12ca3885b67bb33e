import { RaftLog } from "../../regional/raft/log.js";
import { ReadRounds } from "../../regional/raft/reads.js";

/**
 * Mistakes that a simulated world can be given, to see that its checks find them. None of
 * them is in the core: two are the member's around it, two replace a method of the core
 * while a world runs.
 */
export const PLANTED_BUGS = [
  /** Acknowledges appends, and counts own ones, before they are durable. */
  "ack-before-sync",
  /** Stores the term without the vote that was given in it. */
  "forget-vote",
  /** A leader commits entries of earlier terms by counting copies (the paper's figure 8). */
  "commit-older-term",
  /** A leader answers reads without asking anybody whether it still leads. */
  "read-without-quorum",
] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];

/** Replaces a method of a class and returns what puts it back. */
function replace(prototype: object, name: string, value: unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name);
  if (original === undefined) throw new Error(`there is no method ${name} to replace`);
  Object.defineProperty(prototype, name, { ...original, value });
  return () => Object.defineProperty(prototype, name, original);
}

function plant(bug: PlantedBug | null): () => void {
  if (bug === "commit-older-term") {
    return replace(
      RaftLog.prototype,
      "maybeCommit",
      function commitByCounting(this: RaftLog, index: number): boolean {
        if (index <= this.committed) return false;
        this.commitTo(index);
        return true;
      },
    );
  }
  if (bug === "read-without-quorum") {
    return replace(ReadRounds.prototype, "ackedIndex", () => Number.MAX_SAFE_INTEGER);
  }
  return () => {};
}

/** Runs something with a bug in the core; the two in the member are none of its business. */
export function withCoreBug<T>(bug: PlantedBug | null, run: () => T): T {
  const restore = plant(bug);
  try {
    return run();
  } finally {
    restore();
  }
}
