import { MESH_LINK_SUSPECT_MS } from "../../../shared/limits.js";
import { type Link, leadsTo } from "./link.js";
import type { Now } from "./now.js";
import type { RegionBook } from "./region-book.js";
import { ranked } from "./rendezvous.js";

/** Where gateways can be dialled: `host:port` by region. */
export type Directory = ReadonlyMap<string, readonly string[]>;

/** Time that a first dial may take before a relay is asked meanwhile. */
const FIRST_DIAL_MS = 1_000;
/** A sibling's news that are older have this gateway fetch them itself. */
const SIBLING_STALE_MS = 3_000;
/** A relay is left for another only when that one's news are younger by this much. */
const RELAY_GAIN_MS = 500;
/** This region's own source counts as lost when its last confirmation is this old. */
const SOURCE_STALE_MS = 3_000;

/** What a planner looks at. */
export interface PlannerInput {
  readonly region: string;
  readonly gateway: string;
  readonly directory: Directory;
  /** By address. */
  readonly links: ReadonlyMap<string, Link>;
  readonly book: RegionBook;
}

/**
 * Decides which gateways this one should have streams from, and for which regions:
 * of the gateways of one region, one (by rendezvous hashing over those alive) fetches
 * an origin region's sections from one of the origin's gateways and the others get
 * them from it. Where the direct way fails, a relay is asked as well: any gateway
 * that says it gets them on a way that doesn't lead through here.
 */
export class Planner {
  readonly #input: PlannerInput;
  /** Address of the direct gateway in use, by origin region. */
  readonly #direct = new Map<string, string>();
  /** Address of the relay in use, by origin region. */
  readonly #relays = new Map<string, string>();

  constructor(input: PlannerInput) {
    this.#input = input;
  }

  /** The wanted streams now: the regions to be pushed, by address. */
  plan(now: Now): Map<string, Set<string>> {
    const { region: home, directory } = this.#input;
    const wanted = new Map<string, Set<string>>();
    const siblings = this.#siblings(now);
    for (const address of directory.get(home) ?? []) {
      if (this.#links(address)?.isSelf !== true) wanted.set(address, new Set());
    }
    for (const region of this.#regions()) {
      if (region === home) {
        if (this.#isSourceLost(now)) this.#askRelay(home, undefined, wanted, now);
        continue;
      }
      const owner = ranked(region, [this.#input.gateway, ...siblings.keys()])[0] as string;
      const sibling = siblings.get(owner);
      if (sibling !== undefined) add(wanted, sibling.address, region);
      if (sibling === undefined || this.#isStale(region, sibling, now)) {
        this.#fetch(region, wanted, now);
      } else {
        this.#direct.delete(region);
        this.#relays.delete(region);
      }
    }
    return wanted;
  }

  #links(address: string): Link | undefined {
    return this.#input.links.get(address);
  }

  /** Healthy links to other gateways of this region, by the gateway's name. */
  #siblings(now: Now): Map<string, Link> {
    const siblings = new Map<string, Link>();
    for (const address of this.#input.directory.get(this.#input.region) ?? []) {
      const link = this.#links(address);
      if (link?.isHealthy(now) === true && link.hello !== undefined) {
        siblings.set(link.hello.gateway, link);
      }
    }
    return siblings;
  }

  /** Every region that is in the directory or that a peer tells of, in a fixed order. */
  #regions(): string[] {
    const regions = new Set(this.#input.directory.keys());
    for (const link of this.#input.links.values()) {
      for (const region of link.standings.keys()) regions.add(region);
    }
    return [...regions].sort();
  }

  #isSourceLost(now: Now): boolean {
    const age = this.#input.book.ageMs(this.#input.region, now.ageMs);
    return age === undefined || age > SOURCE_STALE_MS;
  }

  /**
   * Whether a sibling that should bring a region doesn't, though it had the time: no
   * news come, or only by a way that leads through another gateway of this region.
   */
  #isStale(region: string, sibling: Link, now: Now): boolean {
    if (now.monotonicMs - sibling.sinceMs < SIBLING_STALE_MS) return false;
    const path = sibling.standings.get(region)?.path ?? [];
    if (path.length === 0 || path[1] === this.#input.region) return true;
    const age = this.#input.book.ageMs(region, now.ageMs);
    return age === undefined || age > SIBLING_STALE_MS;
  }

  /** Wants a stream from one of the region's own gateways, and a relay where that fails. */
  #fetch(region: string, wanted: Map<string, Set<string>>, now: Now): void {
    const address = this.#chooseDirect(region, now);
    if (address !== undefined) add(wanted, address, region);
    const link = address === undefined ? undefined : this.#links(address);
    if (link !== undefined && this.#isGood(link, region, now)) this.#relays.delete(region);
    else this.#askRelay(region, address, wanted, now);
  }

  #chooseDirect(region: string, now: Now): string | undefined {
    const { directory, gateway, region: home } = this.#input;
    const addresses = directory.get(region) ?? [];
    const current = this.#direct.get(region);
    const link = current === undefined ? undefined : this.#links(current);
    if (current !== undefined && (link?.state === "up" || link?.state === "connecting")) {
      return current;
    }
    const next = ranked(`${home}/${gateway}`, addresses).find(
      (address) => this.#links(address)?.isDue(now) ?? true,
    );
    if (next !== undefined) this.#direct.set(region, next);
    return next;
  }

  /** Whether a direct link brings news, or hasn't had the time to. */
  #isGood(link: Link, region: string, now: Now): boolean {
    if (link.state === "connecting") {
      if (link.failures > 0 || now.monotonicMs - link.sinceMs >= FIRST_DIAL_MS) return false;
      return (this.#input.book.ageMs(region, now.ageMs) ?? 0) < MESH_LINK_SUSPECT_MS;
    }
    if (!link.isHealthy(now)) return false;
    const standing = link.standings.get(region);
    if (standing === undefined) return now.monotonicMs - link.sinceMs < FIRST_DIAL_MS;
    return standing.path.length > 0;
  }

  #askRelay(
    region: string,
    direct: string | undefined,
    wanted: Map<string, Set<string>>,
    now: Now,
  ): void {
    let best: { address: string; asOfMs: number } | undefined;
    for (const link of this.#input.links.values()) {
      if (link.address === direct || !link.isHealthy(now)) continue;
      const standing = link.standings.get(region);
      if (standing?.asOfMs === undefined || standing.path.length === 0) continue;
      if (leadsTo(this.#input.region, link, standing.path)) continue;
      const bonus = link.address === this.#relays.get(region) ? RELAY_GAIN_MS : 0;
      const asOfMs = standing.asOfMs + bonus;
      if (best === undefined || asOfMs > best.asOfMs) best = { address: link.address, asOfMs };
    }
    if (best === undefined) {
      this.#relays.delete(region);
      return;
    }
    this.#relays.set(region, best.address);
    add(wanted, best.address, region);
  }
}

function add(wanted: Map<string, Set<string>>, address: string, region: string): void {
  const regions = wanted.get(address);
  if (regions === undefined) wanted.set(address, new Set([region]));
  else regions.add(region);
}
