import { MESH_DEPUTIES, MESH_DIRECT_REGIONS } from "../../../shared/limits.js";
import { pairScore, textHash } from "./rendezvous.js";

/**
 * By which region each origin's news come, past the number of regions that can all fetch from
 * each other. The regions, sorted by name, are cut into about as many neighbourhoods as each
 * has regions. In a neighbourhood everybody fetches from everybody; an origin outside of it is
 * fetched by one of its regions, the head, picked by rendezvous hashing over those that work,
 * and the others get it from the head. So each origin has a tree of two levels, and n regions
 * need about 2√n streams each: 62 for 1,024. Everybody who knows the same regions finds the
 * same trees; who doesn't, for a while, is served all the same, since receivers choose.
 *
 * The order of names is what all know without measuring, and names mostly tell of places, so
 * that the second step of a way is often a short one.
 */
export class Trees {
  readonly #home: string;
  /** All regions' names in order. */
  readonly #names: readonly string[];
  /** The names' hashes of this region's neighbourhood; undefined while all fetch from all. */
  readonly #own: ReadonlyMap<string, number> | undefined;
  /** Whether this region is a deputy, by origin, as far as somebody asked. */
  readonly #deputies = new Map<string, boolean>();

  /**
   * `regions`: all that are known, with or without `home`; up to `directRegions` of them all
   * fetch from all.
   */
  constructor(home: string, regions: Iterable<string>, directRegions = MESH_DIRECT_REGIONS) {
    this.#home = home;
    this.#names = [...new Set([...regions, home])].sort();
    if (this.#names.length <= directRegions) return;
    const own = this.#neighbourhood(home);
    const near = this.#names.filter((_, index) => this.#cut(index) === own);
    this.#own = new Map(near.map((name) => [name, textHash(name)]));
  }

  /** The other regions that this one fetches directly; undefined for all. */
  neighbours(): string[] | undefined {
    return this.#own && [...this.#own.keys()].filter((name) => name !== this.#home);
  }

  /** The region to fetch an origin from: itself, or a neighbour of this region that works. */
  parent(origin: string, isUp: (region: string) => boolean): string {
    if (this.#own === undefined || this.#own.has(origin)) return origin;
    const task = textHash(origin);
    let head = this.#home;
    let best = -1;
    for (const [name, hash] of this.#own) {
      const score = pairScore(task, hash);
      if (score <= best || (name !== this.#home && !isUp(name))) continue;
      head = name;
      best = score;
    }
    return head === this.#home ? origin : head;
  }

  /** Whether this region is to help when a neighbour that should bring an origin doesn't. */
  isDeputy(origin: string): boolean {
    if (this.#own === undefined) return true;
    let isDeputy = this.#deputies.get(origin);
    if (isDeputy === undefined) {
      isDeputy = this.#rank(origin) < MESH_DEPUTIES;
      this.#deputies.set(origin, isDeputy);
    }
    return isDeputy;
  }

  /**
   * Whether this region tells another one, each second, how far it is with an origin: so
   * that each region hears of each origin from several others, and none hears all from all.
   * Neighbours hear it from the head and its deputies, others from the origin's neighbours.
   */
  tells(receiver: string, origin: string): boolean {
    if (this.#own === undefined || receiver === this.#home) return true;
    if (this.#own.has(receiver)) return this.isDeputy(origin);
    return this.#own.has(origin) || this.#neighbourhood(receiver) === undefined;
  }

  /** The number of the neighbourhood that a region belongs to; undefined when it isn't known. */
  #neighbourhood(region: string): number | undefined {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] as string) < region) low = middle + 1;
      else high = middle;
    }
    return this.#names[low] === region ? this.#cut(low) : undefined;
  }

  /** The number of the neighbourhood that has the region at this place in the order of names. */
  #cut(index: number): number {
    const count = Math.ceil(Math.sqrt(this.#names.length));
    return Math.floor((index * count) / this.#names.length);
  }

  /** How many of the neighbourhood come before this region as an origin's head. */
  #rank(origin: string): number {
    const task = textHash(origin);
    const own = pairScore(task, textHash(this.#home));
    let rank = 0;
    for (const hash of this.#own?.values() ?? []) if (pairScore(task, hash) > own) rank++;
    return rank;
  }
}
