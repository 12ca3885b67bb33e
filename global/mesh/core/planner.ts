import type { Link } from "./link.js";
import type { Now } from "./now.js";
import { Parents } from "./parents.js";
import type { PlannerInput } from "./planner-input.js";
import { Relays } from "./relays.js";
import { ranked } from "./rendezvous.js";
import { shortcut } from "./shortcut.js";
import { Straight } from "./straight.js";

/** A sibling's news that are older have this gateway fetch them itself. */
const SIBLING_STALE_MS = 3_000;
/** This region's own source counts as lost when its last confirmation is this old. */
const SOURCE_STALE_MS = 3_000;
/** How often peers' words are searched for unknown regions, and for faster ways. */
const SEARCH_MS = 1_000;

/**
 * Decides which gateways this one should have streams from, and for which regions:
 * of the gateways of one region, one (by rendezvous hashing over those alive) fetches
 * an origin region's sections from one of the origin's gateways and the others get
 * them from it. Past a number of regions the one fetches far origins from a neighbour region
 * instead, along the origin's tree. Where that way fails, a relay is asked as well: any
 * gateway that says it gets them on a way that doesn't lead through here. Where a third
 * region is a faster way than the straight one, that is taken, and the straight one kept open.
 */
export class Planner {
  readonly #input: PlannerInput;
  readonly #straight: Straight;
  readonly #parents = new Parents();
  readonly #relays: Relays;
  /** Address of the third region's gateway that is the faster way, by origin region. */
  readonly #shortcuts = new Map<string, string>();
  #known: readonly string[] = [];
  #searchedMs = Number.NEGATIVE_INFINITY;
  /** This plan also looks for unknown regions and for shortcuts. */
  #isSearch = true;

  constructor(input: PlannerInput) {
    this.#input = input;
    this.#straight = new Straight(input);
    this.#relays = new Relays(input.region);
  }

  /** The wanted streams now: the regions to be pushed, by address. */
  plan(now: Now): Map<string, Set<string>> {
    const { region: home, addresses } = this.#input;
    const wanted = new Map<string, Set<string>>();
    const siblings = this.#siblings(now);
    for (const address of addresses.of(home)) {
      if (!this.#input.meet(home, address).isSelf) wanted.set(address, new Set());
    }
    this.#parents.refresh(addresses.trees, this.#straight.whoIsUp(now));
    this.#isSearch = now.monotonicMs - this.#searchedMs >= SEARCH_MS;
    if (this.#isSearch) this.#searchedMs = now.monotonicMs;
    for (const region of this.#regions()) {
      if (region === home) {
        if (this.#isSourceLost(now)) this.#askRelay(home, undefined, wanted, now);
        continue;
      }
      const sibling = this.#owner(region, siblings);
      if (sibling !== undefined) add(wanted, sibling.address, region);
      if (sibling === undefined || this.#isStale(region, sibling, now)) {
        this.#fetch(region, wanted, now);
      } else {
        this.#relays.leave(region);
      }
    }
    for (const address of this.#straight.toTry(now)) keep(wanted, address);
    return wanted;
  }

  #links(address: string): Link | undefined {
    return this.#input.links.get(address);
  }

  /** Healthy links to other gateways of this region, by the gateway's name. */
  #siblings(now: Now): Map<string, Link> {
    const siblings = new Map<string, Link>();
    for (const address of this.#input.addresses.of(this.#input.region)) {
      const link = this.#links(address);
      if (link?.isHealthy(now) === true && link.hello !== undefined) {
        siblings.set(link.hello.gateway, link);
      }
    }
    return siblings;
  }

  /** The sibling that fetches a region; undefined when this gateway does. */
  #owner(region: string, siblings: ReadonlyMap<string, Link>): Link | undefined {
    if (siblings.size === 0) return undefined;
    const [owner] = ranked(region, [this.#input.gateway, ...siblings.keys()]);
    return owner === undefined ? undefined : siblings.get(owner);
  }

  /** Every region that is in the directory or that a peer tells of, in a fixed order. */
  #regions(): readonly string[] {
    if (!this.#isSearch) return this.#known;
    const regions = new Set(this.#input.addresses.directory.keys());
    for (const link of this.#input.streams) {
      for (const region of link.standings.keys()) regions.add(region);
    }
    this.#known = [...regions].sort();
    return this.#known;
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

  /** Wants a region's news by the way that is theirs, and by others where that fails. */
  #fetch(region: string, wanted: Map<string, Set<string>>, now: Now): void {
    const parent = this.#parents.of(region);
    if (parent === region) {
      this.#fetchDirect(region, wanted, now);
      return;
    }
    const link = this.#straight.choose(parent, now);
    if (link !== undefined) add(wanted, link.address, region);
    if (link !== undefined && this.#straight.isParentGood(link, region, now))
      this.#relays.leave(region);
    else if (this.#input.addresses.trees.isDeputy(region)) this.#fetchDirect(region, wanted, now);
    else this.#askRelay(region, link?.address, wanted, now);
  }

  /** Wants a stream from one of the region's own gateways, and a relay where that fails. */
  #fetchDirect(region: string, wanted: Map<string, Set<string>>, now: Now): void {
    const link = this.#straight.choose(region, now);
    if (link === undefined || !this.#straight.isGood(link, region, now)) {
      if (link !== undefined) add(wanted, link.address, region);
      this.#askRelay(region, link?.address, wanted, now);
      return;
    }
    this.#relays.leave(region);
    const faster = this.#shortcut(region, link, now);
    if (faster === undefined) {
      this.#shortcuts.delete(region);
      add(wanted, link.address, region);
      return;
    }
    this.#shortcuts.set(region, faster.address);
    add(wanted, faster.address, region);
    // The straight stream stays open: its round trip is measured, and it is there at once.
    keep(wanted, link.address);
  }

  /** The third region's stream that brings a region's news faster than `direct`, if any. */
  #shortcut(region: string, direct: Link, now: Now): Link | undefined {
    const { region: home, links, streams } = this.#input;
    const current = this.#shortcuts.get(region);
    if (this.#isSearch) return shortcut(region, home, direct, streams, current, now);
    const link = current === undefined ? undefined : links.get(current);
    return link !== undefined && this.#straight.isGood(link, region, now) ? link : undefined;
  }

  #askRelay(
    region: string,
    direct: string | undefined,
    wanted: Map<string, Set<string>>,
    now: Now,
  ): void {
    const address = this.#relays.ask(region, direct, this.#input.streams, now);
    if (address !== undefined) add(wanted, address, region);
  }
}

function add(wanted: Map<string, Set<string>>, address: string, region: string): void {
  const regions = wanted.get(address);
  if (regions === undefined) wanted.set(address, new Set([region]));
  else regions.add(region);
}

/** Wants a stream, if only to know how the peer is. */
function keep(wanted: Map<string, Set<string>>, address: string): void {
  if (!wanted.has(address)) wanted.set(address, new Set());
}
