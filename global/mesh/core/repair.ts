import { MESH_REPAIR_GRACE_MS, MESH_TICK_MS } from "../../../shared/limits.js";
import type { Random } from "../../../shared/random.js";
import type { StateReader } from "../../digest/global-state.js";
import { lacks } from "./holding.js";
import type { Link } from "./link.js";
import type { Now } from "./now.js";
import type { Standing } from "./standing.js";

/**
 * What peers said is looked at when they say it; all of it so often, since what may be taken
 * of a region can change by an operator's order.
 */
const SEARCH_MS = 5_000;

interface Lag {
  /** What somebody was seen to have. */
  readonly target: Standing;
  /** When that was, and when to ask, on the monotonic clock. */
  readonly sinceMs: number;
  nextMs: number;
  /** Nobody was asked yet. */
  isFirst: boolean;
}

/** A region to ask a peer for. */
export interface Missing {
  readonly region: string;
  readonly link: Link;
}

/**
 * Finds what this gateway misses by its peers' standings. A region that a live push
 * may still bring is given the time that its way takes; after it, or at once where nothing
 * pushes it, the nearest peer that has it is asked, and then others at random.
 */
export class Repair {
  readonly #state: StateReader;
  readonly #random: Random;
  readonly #pushIntervalMs: number;
  readonly #lags = new Map<string, Lag>();
  #searchedMs = Number.NEGATIVE_INFINITY;

  /** `pushIntervalMs`: the shortest time between two pushes on a stream, taken as everyone's. */
  constructor(state: StateReader, random: Random, pushIntervalMs: number) {
    this.#state = state;
    this.#random = random;
    this.#pushIntervalMs = pushIntervalMs;
  }

  /** What to pull now; each is asked for again after a while if it doesn't come. */
  due(links: Iterable<Link>, home: string, now: Now): Missing[] {
    const healthy = [...links].filter((link) => link.isHealthy(now));
    for (const [region, { target }] of this.#lags) {
      if (!lacks(this.#state, target)) this.#lags.delete(region);
    }
    const isSearch = now.monotonicMs - this.#searchedMs >= SEARCH_MS;
    if (isSearch) this.#searchedMs = now.monotonicMs;
    for (const link of healthy) {
      const news = link.takeNews();
      for (const region of isSearch ? link.standings.keys() : news) {
        const standing = link.standings.get(region);
        if (standing === undefined) continue;
        if (region === home || this.#lags.has(region) || !lacks(this.#state, standing)) continue;
        const sinceMs = now.monotonicMs;
        const nextMs = sinceMs + this.#graceMs(region, healthy);
        this.#lags.set(region, { target: standing, sinceMs, nextMs, isFirst: true });
      }
    }
    const missing: Missing[] = [];
    for (const [region, lag] of this.#lags) {
      if (now.monotonicMs < lag.nextMs || isOnItsWay(region, lag, healthy, now)) continue;
      const holders = healthy.filter((link) => {
        const standing = link.standings.get(region);
        return standing !== undefined && lacks(this.#state, standing);
      });
      if (holders.length === 0) continue;
      missing.push({ region, link: lag.isFirst ? nearest(holders) : this.#random.pick(holders) });
      lag.isFirst = false;
      lag.nextMs = now.monotonicMs + MESH_REPAIR_GRACE_MS;
    }
    return missing;
  }

  /**
   * How much later a live push may come than another peer's word of the same news: at most
   * by the time that its way takes, and its stream's interval may have just begun.
   */
  #graceMs(region: string, healthy: readonly Link[]): number {
    const ways = healthy.filter(({ interest }) => interest.has(region));
    if (ways.length === 0) return 0;
    const longestMs = Math.max(...ways.map((link) => roundTripMs(link, region) / 2));
    return this.#pushIntervalMs + Math.min(MESH_REPAIR_GRACE_MS, MESH_TICK_MS + longestMs);
  }
}

/** Round trip to a region by way of a peer; no less than any way where it isn't measured. */
function roundTripMs({ region: at, rttMs, standings }: Link, region: string): number {
  if (rttMs === undefined) return MESH_REPAIR_GRACE_MS;
  if (at === region) return rttMs;
  return rttMs + (standings.get(region)?.rttMs ?? MESH_REPAIR_GRACE_MS);
}

/** Whether chunks of the region have begun to come: a large section takes its time. */
function isOnItsWay(region: string, lag: Lag, healthy: readonly Link[], now: Now): boolean {
  if (now.monotonicMs - lag.sinceMs >= MESH_REPAIR_GRACE_MS) return false;
  return healthy.some(({ assembler }) => assembler.isGathering(region));
}

/** The peer with the shortest round trip. */
function nearest(links: readonly Link[]): Link {
  const rttOf = ({ rttMs }: Link): number => rttMs ?? Number.POSITIVE_INFINITY;
  return links.reduce((best, link) => (rttOf(link) < rttOf(best) ? link : best));
}
