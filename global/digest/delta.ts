import type { Attestation } from "./attestation.js";
import type { GroupChanges } from "./cell.js";
import type { Schema, SectionId } from "./section.js";
import type { Version } from "./version.js";

/**
 * News of a section on its way from one holder to another. With `from`, a delta: it
 * leads from any revision in [from, to) of the same line to `to`. Without, the whole
 * section, which replaces whatever was there.
 */
export type Transfer = DeltaTransfer | WholeTransfer;

/**
 * What a holder didn't see happen: it stood at `after`, then came to `before` at once. It
 * knows what came of it, but not what was touched in between and came back to what it was.
 */
export interface Gap {
  readonly after: number;
  readonly before: number;
}

export interface DeltaTransfer {
  readonly kind: "delta";
  readonly id: SectionId;
  readonly to: Version;
  /** Revision. */
  readonly from: number;
  readonly changes: GroupChanges;
  /** A holder that stands in it can't take this delta. */
  readonly gap?: Gap | undefined;
  /** Root of the section at `to`; a binary string of 32 units. */
  readonly root: string;
  /** The origin's word for it. */
  readonly attestation?: Attestation | undefined;
}

export interface WholeTransfer {
  readonly kind: "whole";
  readonly id: SectionId;
  readonly to: Version;
  readonly schema: Schema;
  /** All groups; none is undefined. */
  readonly changes: GroupChanges;
  readonly root: string;
  /** The origin's word for it. */
  readonly attestation?: Attestation | undefined;
}

/** Whether a revision lies in a gap. */
export function isInGap(gap: Gap | undefined, revision: number): boolean {
  return gap !== undefined && revision > gap.after && revision < gap.before;
}

/** The least gap that spans those given, ascending; undefined when there are none. */
export function spanOf(gaps: readonly Gap[]): Gap | undefined {
  const [first] = gaps;
  const last = gaps.at(-1);
  return first && last && { after: first.after, before: last.before };
}

/**
 * What a region's own fold says of one summary; the root is computed by the state.
 * `from` is the revision of the fold's last publication of the same line, and
 * `changes` name what was touched since; without `from` they are all groups.
 */
export interface Publication {
  readonly id: SectionId;
  readonly to: Version;
  readonly from: number | undefined;
  readonly schema: Schema;
  readonly changes: GroupChanges;
}
