import type { Link } from "./link.js";
import type { RegionBook } from "./region-book.js";
import type { Trees } from "./trees.js";

/** Where gateways can be dialled: `host:port` by region. */
export type Directory = ReadonlyMap<string, readonly string[]>;

/** What a planner looks at. */
export interface PlannerInput {
  readonly region: string;
  readonly gateway: string;
  readonly directory: Directory;
  /** By address. */
  readonly links: ReadonlyMap<string, Link>;
  readonly book: RegionBook;
  readonly trees: Trees;
}
