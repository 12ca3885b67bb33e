import type {
  Definition,
  Group,
  RegionChanges,
  RegionFreshness,
  Update,
} from "../gen/atoll/global/v1/global_pb.js";
import type { DeltaEvent, SnapshotEvent } from "./events.js";

/** The parts of one update that have come. */
interface Gathered {
  readonly reset: boolean;
  readonly groups: Group[];
  readonly removed: string[];
  readonly regions: RegionFreshness[];
  readonly byRegion: RegionChanges[];
}

/**
 * Puts the parts of updates together, so that a consumer never sees half of one, and
 * knows the definition that each summary's groups are of.
 */
export class UpdateGatherer {
  readonly #definitions = new Map<string, Definition>();
  #open: Gathered | undefined;

  /** Takes a part; gives the event that it completes. */
  take(update: Update): SnapshotEvent | DeltaEvent | undefined {
    const open = this.#open ?? {
      ...{ reset: update.reset, groups: [], removed: [] },
      ...{ regions: [], byRegion: [] },
    };
    this.#open = open;
    if (update.reset) {
      if (update.definition === undefined) this.#definitions.delete(update.summary);
      else this.#definitions.set(update.summary, update.definition);
    }
    for (const group of update.groups) open.groups.push(group);
    for (const key of update.removed) open.removed.push(key);
    open.regions.push(...update.regions);
    open.byRegion.push(...update.byRegion);
    if (update.more) return undefined;
    this.#open = undefined;
    const { summary, otherDefinition } = update;
    const { groups, removed, regions, byRegion } = open;
    const definition = this.#definitions.get(summary);
    const rest = { summary, definition, groups, regions, otherDefinition, byRegion };
    return open.reset ? { type: "snapshot", ...rest } : { type: "delta", removed, ...rest };
  }

  /** The stream is lost: what of an update has come is void. */
  drop(): void {
    this.#open = undefined;
  }
}
