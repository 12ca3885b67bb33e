import type { StateReader } from "../../digest/global-state.js";
import type { RegionView } from "../../digest/region-register.js";
import type { Standing } from "./standing.js";

/** How far a holder is with a region. */
export interface Holding {
  /** Incarnation counter; 0 when nothing is known. */
  readonly counter: number;
  /** Live sections. */
  readonly sections: number;
  /** The revision that all live sections have reached; 0 when there are none. */
  readonly revision: number;
}

/** Counts a region's live sections and finds the revision that all have reached. */
export function holdingOf(register: RegionView | undefined): Holding {
  let sections = 0;
  let revision = Number.POSITIVE_INFINITY;
  for (const section of register?.sections() ?? []) {
    if (section.schema.retired) continue;
    sections++;
    revision = Math.min(revision, section.version.revision);
  }
  const counter = register?.incarnation.counter ?? 0;
  return { counter, sections, revision: sections === 0 ? 0 : revision };
}

/** Whether a holder lacks something that a peer in this standing has. */
export function isBehind(holding: Holding, standing: Standing): boolean {
  const { counter } = standing.incarnation;
  if (standing.sections === 0 || counter < holding.counter) return false;
  if (counter > holding.counter || standing.revision > holding.revision) return true;
  return standing.revision === holding.revision && standing.sections > holding.sections;
}

/** Whether a peer in this standing has something that the holder of a state could take. */
export function lacks(state: StateReader, standing: Standing): boolean {
  const { region, incarnation } = standing;
  const register = state.region(region);
  switch (state.place(region, incarnation)) {
    case "first":
    case "later":
      return standing.sections > 0;
    case "same":
      return register?.nonces.length === 1 && isBehind(holdingOf(register), standing);
    default:
      return false;
  }
}
