import type { Definition, Group, RegionFreshness } from "../gen/atoll/global/v1/global_pb.js";
import type { AtollEvent } from "./events.js";

/** One summary as a consumer has it. */
export interface MergedSummary {
  readonly definition: Definition | undefined;
  /** By key, a JSON array of the group's values. */
  readonly groups: ReadonlyMap<string, Group>;
}

/** What a subscription's events add up to. */
export class MergedView {
  readonly #summaries = new Map<
    string,
    { definition: Definition | undefined; groups: Map<string, Group> }
  >();
  readonly #regions = new Map<string, RegionFreshness>();

  /** Takes the next event. */
  apply(event: AtollEvent): void {
    if (event.type === "snapshot") {
      const groups = new Map(event.groups.map((group) => [group.key, group]));
      this.#summaries.set(event.summary, { definition: event.definition, groups });
    } else if (event.type === "delta") {
      const groups = this.#summaries.get(event.summary)?.groups ?? new Map<string, Group>();
      for (const group of event.groups) groups.set(group.key, group);
      for (const key of event.removed) groups.delete(key);
      this.#summaries.set(event.summary, { definition: event.definition, groups });
    }
    if (event.type === "snapshot" || event.type === "delta" || event.type === "freshness") {
      for (const region of event.regions) this.#regions.set(region.region, region);
    }
  }

  /** A summary; undefined before its snapshot. */
  summary(name: string): MergedSummary | undefined {
    return this.#summaries.get(name);
  }

  /** The newest word on each region. */
  get regions(): ReadonlyMap<string, RegionFreshness> {
    return this.#regions;
  }
}
