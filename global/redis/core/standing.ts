import type { Version } from "../../digest/version.js";

/**
 * How much of a region is known, as text: `COUNTER/NONCE/DEFINITION/FOLD/REVISION`, where
 * nothing of the region's life but its incarnation is known with zeros, and where it was
 * removed for good `COUNTER/forgotten/0/0/0`.
 */
export type Standing = string;

/** Standings by region. A unit's content may be replaced by one of a vector at or past its own only. */
export type Vector = Readonly<Record<string, Standing>>;

const FORGOTTEN = "forgotten";
const STANDING = /^(\d+)\/([0-9a-f]*|forgotten)\/(\d+)\/(\d+)\/(\d+)$/;

export function standingOf(version: Version): Standing {
  const { incarnation, definition, foldSemantics, revision } = version;
  return `${incarnation.counter}/${incarnation.nonce}/${definition}/${foldSemantics}/${revision}`;
}

/** Of a region's life that is known, without the section in question. */
export function bareStanding(incarnation: Version["incarnation"]): Standing {
  return `${incarnation.counter}/${incarnation.nonce}/0/0/0`;
}

/** Of a region that was removed for good up to an incarnation. */
export function forgottenStanding(counter: number): Standing {
  return `${counter}/${FORGOTTEN}/0/0/0`;
}

/** The version that a standing tells; undefined for text that is none, and for removed regions. */
export function versionOf(standing: Standing): Version | undefined {
  const [, counter, nonce = "", definition, fold, revision] = STANDING.exec(standing) ?? [];
  if (counter === undefined || nonce === FORGOTTEN) return undefined;
  return {
    incarnation: { counter: Number(counter), nonce, baseRevision: 0, parentNonce: "" },
    definition: Number(definition),
    foldSemantics: Number(fold),
    revision: Number(revision),
  };
}

/** How two standings compare: a number as of compareVersions, or a conflict of two lives. */
export function compareStandings(a: Standing, b: Standing): number | "conflict" {
  const [, ac, an, ad, af, ar] = STANDING.exec(a) ?? [];
  const [, bc, bn, bd, bf, br] = STANDING.exec(b) ?? [];
  if (ac !== bc) return Number(ac) - Number(bc);
  if (an === FORGOTTEN || bn === FORGOTTEN)
    return Number(an === FORGOTTEN) - Number(bn === FORGOTTEN);
  if (an !== bn) return "conflict";
  return Number(ad) - Number(bd) || Number(ar) - Number(br) || Number(af) - Number(bf);
}

/** How one vector stands to another. */
export interface Comparison {
  /** Regions of which the first knows more. */
  readonly ahead: readonly string[];
  /** Regions of which it knows less, but something. */
  readonly behind: readonly string[];
  /** Regions of which it knows nothing. */
  readonly lacking: readonly string[];
  /** Regions of which the two know different lives. */
  readonly conflicts: readonly string[];
}

/** Compares what is known of each region. The same rule is in the write script (scripts.ts). */
export function compareVectors(mine: Vector, theirs: Vector): Comparison {
  const ahead: string[] = [];
  const behind: string[] = [];
  const lacking: string[] = [];
  const conflicts: string[] = [];
  for (const [region, standing] of Object.entries(theirs)) {
    const own = mine[region];
    if (own === undefined) {
      lacking.push(region);
      continue;
    }
    const order = compareStandings(own, standing);
    if (order === "conflict") conflicts.push(region);
    else if (order > 0) ahead.push(region);
    else if (order < 0) behind.push(region);
  }
  for (const region of Object.keys(mine)) if (theirs[region] === undefined) ahead.push(region);
  return { ahead, behind, lacking, conflicts };
}
