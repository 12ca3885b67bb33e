import { MESH_DEPUTIES, MESH_DIRECT_REGIONS } from "../../../shared/limits.js";
import { pairScore, textHash } from "./rendezvous.js";

/** Regions that lie beside each other in the order of names, with their names' hashes. */
type Neighbourhood = ReadonlyMap<string, number>;

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
  readonly #neighbourhoods = new Map<string, Neighbourhood>();
  /** Without bound while all fetch from all. */
  readonly #own: Neighbourhood | undefined;

  /** `regions`: all that are known, with or without `home`. */
  constructor(home: string, regions: Iterable<string>) {
    this.#home = home;
    const names = [...new Set([...regions, home])].sort();
    if (names.length <= MESH_DIRECT_REGIONS) return;
    const count = Math.ceil(Math.sqrt(names.length));
    const cut: Map<string, number>[] = Array.from({ length: count }, () => new Map());
    names.forEach((name, index) => {
      const neighbourhood = cut[Math.floor((index * count) / names.length)] ?? new Map();
      neighbourhood.set(name, textHash(name));
      this.#neighbourhoods.set(name, neighbourhood);
    });
    this.#own = this.#neighbourhoods.get(home);
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
    return this.#own === undefined || this.#rank(origin) < MESH_DEPUTIES;
  }

  /**
   * Whether this region tells another one, each second, how far it is with an origin: so
   * that each region hears of each origin from several others, and none hears all from all.
   * Neighbours hear it from the head and its deputies, others from the origin's neighbours.
   */
  tells(receiver: string, origin: string): boolean {
    if (this.#own === undefined || receiver === this.#home) return true;
    const neighbourhood = this.#neighbourhoods.get(receiver);
    if (neighbourhood === undefined) return true;
    return neighbourhood === this.#own ? this.isDeputy(origin) : this.#own.has(origin);
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
