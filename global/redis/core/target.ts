import type { StateReader } from "../../digest/global-state.js";
import type { Schema, Section } from "../../digest/section.js";
import type { Links, View } from "../../view/view.js";
import type { UnitId } from "./keys.js";
import { bareStanding, forgottenStanding, standingOf, type Vector } from "./standing.js";

/** What this gateway's view says that a unit's keys should hold. */
export interface Target {
  readonly vector: Vector;
  /**
   * Which definition is merged, and from which parts. Where two gateways agree in this and
   * in the vector they agree in every group; a region that is merged by a section of the
   * definition before, which each holder has from another moment, is named with its version.
   */
  readonly lines: string;
  /** Why there are no groups; undefined where there may be some. */
  readonly gone: "retired" | "forgotten" | undefined;
  readonly schema: Schema | undefined;
  /** What is merged, by region; one part for a region's own section. */
  readonly parts: ReadonlyMap<string, Section>;
  /** Regions that publish another definition. */
  readonly others: readonly string[];
}

const NO_PARTS: ReadonlyMap<string, Section> = new Map();

/** The target of a unit; undefined while this gateway knows nothing of it. */
export function targetOf(view: View, unit: UnitId, links: Links): Target | undefined {
  return unit.region === undefined
    ? mergedTarget(view, unit.summary, links)
    : sectionTarget(view.state, unit.summary, unit.region);
}

function goneTarget(vector: Vector, gone: "retired" | "forgotten"): Target {
  return { vector, lines: "", gone, schema: undefined, parts: NO_PARTS, others: [] };
}

function sectionTarget(state: StateReader, summary: string, region: string): Target | undefined {
  const register = state.region(region);
  if (register === undefined) {
    const counter = state.forgotten.get(region);
    if (counter === undefined) return undefined;
    return goneTarget({ [region]: forgottenStanding(counter) }, "forgotten");
  }
  const section = register.section(summary);
  if (section === undefined || section.schema.retired) {
    const standing =
      section === undefined ? bareStanding(register.incarnation) : standingOf(section.version);
    return goneTarget({ [region]: standing }, "retired");
  }
  return {
    vector: { [region]: standingOf(section.version) },
    lines: section.schema.fingerprint,
    gone: undefined,
    schema: section.schema,
    parts: new Map([[region, section]]),
    others: [],
  };
}

function mergedTarget(view: View, summary: string, links: Links): Target | undefined {
  const vector = knownOf(view.state, summary);
  if (Object.keys(vector).length === 0) return undefined;
  const { parts, others, fingerprint } = view.select(summary, view.regions(links));
  const schema = parts.values().next().value?.schema;
  if (schema === undefined) return goneTarget(vector, "retired");
  const names = [...parts.keys()].sort().map((region) => {
    const part = parts.get(region) as Section;
    return isCurrent(view.state, part) ? region : `${region}=${standingOf(part.version)}`;
  });
  const lines = [fingerprint, ...names].join(" ");
  return { vector, lines, gone: undefined, schema, parts, others };
}

/** All that is known of the regions, as far as it bears on one summary. */
function knownOf(state: StateReader, summary: string): Vector {
  const vector: Record<string, string> = {};
  for (const [region, counter] of state.forgotten) vector[region] = forgottenStanding(counter);
  for (const register of state.regions()) {
    const section = register.section(summary);
    vector[register.region] =
      section === undefined ? bareStanding(register.incarnation) : standingOf(section.version);
  }
  return vector;
}

/** Whether a part is what its region publishes now, and not what it published before. */
export function isCurrent(state: StateReader, part: Section): boolean {
  return state.section(part.id) === part;
}
