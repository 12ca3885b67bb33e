import type { BinaryKey } from "../../shared/bytes.js";

/** The hash chain of a member at an index. */
export interface ChainMark {
  readonly kind: "chain";
  /** CHAIN_VERSION of who made it. */
  readonly version: number;
  readonly index: number;
  /** A chain value. */
  readonly hash: string;
}

/** The hash of all that is not a pair, in a member's state at an index. */
export interface TablesMark {
  readonly kind: "tables";
  readonly version: number;
  readonly index: number;
  readonly hash: string;
}

/** The hash of a slice of a member's key space at a revision. */
export interface SliceMark {
  readonly kind: "slice";
  readonly version: number;
  /** Set by the leader, so that the same slice at the same revision is looked at again. */
  readonly round: number;
  /** An index at which the revision was reached. */
  readonly index: number;
  readonly revision: number;
  readonly from: BinaryKey;
  /** The first key that is not in it; undefined for the rest of the key space. */
  readonly to: BinaryKey | undefined;
  readonly hash: string;
}

/** Something that must be equal on all members, as one of them found it. */
export type Mark = ChainMark | TablesMark | SliceMark;

/** What two marks must share to be compared. */
export function subjectOf(mark: Mark): string {
  const { kind, version, index } = mark;
  const subject = `${kind} ${version} ${index}`;
  if (kind !== "slice") return subject;
  return `${subject} ${mark.round} ${mark.revision} ${mark.from.length} ${mark.from}${mark.to ?? ""}`;
}

/** Keys in messages to people are cut to so many characters. */
const SHOWN_KEY_CHARS = 40;

function shown(key: BinaryKey): string {
  const text = key.length > SHOWN_KEY_CHARS ? `${key.slice(0, SHOWN_KEY_CHARS)}…` : key;
  return JSON.stringify(text);
}

/** What a mark is about, for people. */
export function describe(mark: Mark): string {
  if (mark.kind === "chain") return `the hash chain at index ${mark.index}`;
  if (mark.kind === "tables") {
    return `the hash of leases, members and revisions at index ${mark.index}`;
  }
  const { from, to, revision, index } = mark;
  const end = to === undefined ? "the last one" : shown(to);
  return `the pairs from key ${shown(from)} to ${end} at revision ${revision} (index ${index})`;
}
