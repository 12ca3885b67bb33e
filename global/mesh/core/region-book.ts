import { MESH_LINK_DEAD_MS } from "../../../shared/limits.js";
import type { StateReader } from "../../digest/global-state.js";
import type { Section } from "../../digest/section.js";
import { ageAt, type Confirmation, type FreshnessBook } from "../../view/freshness-book.js";
import { holdingOf } from "./holding.js";
import type { Now } from "./now.js";
import type { Standing } from "./standing.js";

/** A confirmation with what else a peer says of the region. */
export interface Sighting extends Confirmation {
  /** Live sections that the peer holds of it. */
  readonly sections: number;
  /**
   * Regions through which it came: this gateway's own first, the origin last. Empty when
   * the way leads back here, so that it is none.
   */
  readonly path: readonly string[];
  /** The stream that it came on; absent when it is this gateway's own source. */
  readonly from?: Feed;
  /** The peer only mentions it, and doesn't push the region's news. */
  readonly isAside?: boolean;
}

/** Where news come from, as long as it works. */
interface Feed {
  isHealthy(now: Now): boolean;
}

/**
 * What this gateway can say of each region: how far, how old, by which way. It lets
 * confirmations through to the freshness book only when as many sections are here as
 * there are in the region, so that a region whose first section is still on its way
 * doesn't pass for one that has none.
 */
export class RegionBook {
  readonly #state: StateReader;
  readonly #freshness: FreshnessBook;
  readonly #rttOf: (region: string) => number | undefined;
  readonly #waiting = new Map<string, Sighting>();
  readonly #ways = new Map<string, Sighting>();
  readonly #known = new Set<string>();

  /** `rttOf` is the round trip to a region, in ms, where this gateway measures it itself. */
  constructor(
    state: StateReader,
    freshness: FreshnessBook,
    rttOf: (region: string) => number | undefined,
  ) {
    this.#state = state;
    this.#freshness = freshness;
    this.#rttOf = rttOf;
  }

  /** Takes a confirmation from this region's own source or from a peer. */
  sight(sighting: Sighting): void {
    const { region } = sighting;
    if (!this.#isComplete(sighting)) {
      this.#waiting.set(region, sighting);
      return;
    }
    this.#waiting.delete(region);
    this.#known.add(region);
    this.#freshness.confirm(sighting);
    const way = this.#ways.get(region);
    if (sighting.path.length === 0) {
      if (way?.from === sighting.from) this.#ways.delete(region);
    } else if (way === undefined || isBetterWay(sighting, way)) {
      this.#ways.set(region, sighting);
    }
  }

  /** To be called when a section has moved. */
  moved(section: Section): void {
    this.#freshness.moved(section);
    const waiting = this.#waiting.get(section.id.region);
    if (waiting !== undefined) this.sight(waiting);
  }

  /** Upper bound of a region's age in milliseconds; undefined when unknown. */
  ageMs(region: string, ageNowMs: number): number | undefined {
    let asOfMs: number | undefined;
    for (const section of this.#state.region(region)?.sections() ?? []) {
      if (section.schema.retired) continue;
      const own = this.#freshness.asOf(section);
      if (own === undefined) return undefined;
      asOfMs = Math.min(asOfMs ?? own, own);
    }
    asOfMs ??= this.#freshness.newest(region)?.asOfMs;
    return asOfMs === undefined ? undefined : ageAt(asOfMs, ageNowMs);
  }

  /** The way by which the region's news come; empty when none came lately. */
  path(region: string, ageNowMs: number): readonly string[] {
    const way = this.#ways.get(region);
    return way === undefined || ageAt(way.asOfMs, ageNowMs) > MESH_LINK_DEAD_MS ? [] : way.path;
  }

  /** Gives up the ways whose streams have fallen silent, so that others are looked for. */
  dropBrokenWays(now: Now): void {
    for (const [region, { from }] of this.#ways) {
      if (from?.isHealthy(now) === false) this.#ways.delete(region);
    }
  }

  /** What this gateway can tell others of a region; undefined when it knows nothing. */
  standing(region: string, ageNowMs: number): Standing | undefined {
    const register = this.#state.region(region);
    const newest = this.#freshness.newest(region);
    const incarnation = register?.incarnation ?? newest?.incarnation;
    if (incarnation === undefined) return undefined;
    const { sections, revision } = holdingOf(register);
    return {
      region,
      incarnation,
      revision: sections === 0 ? (newest?.revision ?? 0) : revision,
      sections,
      ageMs: this.ageMs(region, ageNowMs),
      path: this.path(region, ageNowMs),
      rttMs: this.#rttOf(region),
    };
  }

  /** Regions that anything is known of. */
  regions(): ReadonlySet<string> {
    for (const { region } of this.#state.regions()) this.#known.add(region);
    return this.#known;
  }

  /** Drops what is known of a region that was removed for good. */
  forget(region: string): void {
    this.#waiting.delete(region);
    this.#ways.delete(region);
    this.#known.delete(region);
    this.#freshness.forget(region);
  }

  #isComplete({ region, incarnation, sections }: Sighting): boolean {
    const register = this.#state.region(region);
    if (register === undefined) return sections === 0;
    if (register.incarnation.nonce !== incarnation.nonce) return false;
    return holdingOf(register).sections === sections;
  }
}

/** A peer that mentions news is no way for them where another one pushes them. */
function isBetterWay(sighting: Sighting, way: Sighting): boolean {
  if (sighting.from === way.from) return true;
  if (sighting.isAside === true && way.isAside !== true) return false;
  return sighting.asOfMs >= way.asOfMs;
}
