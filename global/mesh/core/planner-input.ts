import type { AddressBook } from "./address-book.js";
import type { Link } from "./link.js";
import type { RegionBook } from "./region-book.js";

/** What a planner looks at. */
export interface PlannerInput {
  readonly region: string;
  readonly gateway: string;
  readonly addresses: AddressBook;
  /** Gateways that were dialled, by address. */
  readonly links: ReadonlyMap<string, Link>;
  /** Those of them that are up or being dialled. */
  readonly streams: ReadonlySet<Link>;
  /** The link of an address, so that it can be dialled. */
  meet(region: string, address: string): Link;
  readonly book: RegionBook;
}
