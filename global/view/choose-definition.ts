import type { Section } from "../digest/section.js";

/** One region's sections of a summary: what it publishes, and what it published before. */
export interface Candidates {
  readonly current: Section;
  readonly previous: Section | undefined;
}

/** What a merged view of one summary is made of. */
export interface Selection {
  /** Fingerprint of the definition that is merged; undefined when nothing is published. */
  readonly fingerprint: string | undefined;
  /** The merged section of each region that has one. */
  readonly parts: ReadonlyMap<string, Section>;
  /** Regions that publish another definition, sorted. */
  readonly others: readonly string[];
}

interface Standing {
  /** Regions that have a section of the definition. */
  known: number;
  /** Regions that publish it now. */
  current: number;
}

/**
 * Chooses the newest definition that all regions have a section of. While a change is
 * on its way, a region that has it already takes part with its last section of the
 * definition before, so that a rollout never halves a sum. Where no definition is
 * known of all, the one that is known of most is merged.
 *
 * Revisions of different regions can't be compared: what more regions publish now is
 * the newer one, since a change goes from the old to the new.
 */
export function chooseDefinition(candidates: ReadonlyMap<string, Candidates>): Selection {
  const standings = new Map<string, Standing>();
  for (const { current, previous } of candidates.values()) {
    count(standings, current.schema.fingerprint, true);
    if (previous !== undefined) count(standings, previous.schema.fingerprint, false);
  }
  let fingerprint: string | undefined;
  let best: Standing = { known: 0, current: 0 };
  for (const [candidate, standing] of [...standings].sort(byFingerprint)) {
    const order = standing.known - best.known || standing.current - best.current;
    if (order > 0) [fingerprint, best] = [candidate, standing];
  }
  const parts = new Map<string, Section>();
  const others: string[] = [];
  for (const [region, { current, previous }] of candidates) {
    if (current.schema.fingerprint === fingerprint) parts.set(region, current);
    else others.push(region);
    if (previous !== undefined && !parts.has(region)) {
      if (previous.schema.fingerprint === fingerprint) parts.set(region, previous);
    }
  }
  return { fingerprint, parts, others: others.sort() };
}

function byFingerprint(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function count(standings: Map<string, Standing>, fingerprint: string, isCurrent: boolean): void {
  const standing = standings.get(fingerprint) ?? { known: 0, current: 0 };
  standing.known++;
  if (isCurrent) standing.current++;
  standings.set(fingerprint, standing);
}
