import { type Random, seededRandom } from "../../../shared/random.js";
import { CLOUD_REGIONS, oneWayMs } from "../../wan/cloud-regions.js";

/** Regions by name, each at one of the measured cloud regions. */
export interface Places {
  readonly names: readonly string[];
  /** Milliseconds one way between two of them, by index. */
  readonly oneWayMs: (from: number, to: number) => number;
}

/** Whether names that sort beside each other tell of regions that lie beside each other. */
export type Naming = "by place" | "at random";

/**
 * So many regions, spread evenly over the cloud regions. Two at one of them are as far apart
 * as two hosts of it.
 */
export function placesOf(regions: number, naming: Naming): Places {
  const random = seededRandom(regions);
  const serials = shuffled(regions, random);
  const site = (region: number): number => region % CLOUD_REGIONS.length;
  const names = serials.map((serial, region) => {
    const cloud = CLOUD_REGIONS[site(region)] as string;
    return naming === "by place" ? `${cloud}-${region}` : `region-${serial}`;
  });
  return { names, oneWayMs: (from, to) => oneWayMs(site(from), site(to)) };
}

function shuffled(count: number, random: Random): number[] {
  const items = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [items[i], items[j]] = [items[j] as number, items[i] as number];
  }
  return items;
}
