import { MESH_REPAIR_GRACE_MS } from "../../../shared/limits.js";
import type { Random } from "../../../shared/random.js";
import type { StateReader } from "../../digest/global-state.js";
import { holdingOf, isBehind } from "./holding.js";
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
  /** When to ask, on the monotonic clock. */
  nextMs: number;
}

/** A region to ask a peer for. */
export interface Missing {
  readonly region: string;
  readonly link: Link;
}

/**
 * Finds what this gateway misses by its peers' standings. A region that a live push
 * may still bring is given time; after it, or at once where nothing pushes it, any
 * peer that has it is asked, another one each time.
 */
export class Repair {
  readonly #state: StateReader;
  readonly #random: Random;
  readonly #lags = new Map<string, Lag>();
  #searchedMs = Number.NEGATIVE_INFINITY;

  constructor(state: StateReader, random: Random) {
    this.#state = state;
    this.#random = random;
  }

  /** What to pull now; each is asked for again after a while if it doesn't come. */
  due(links: Iterable<Link>, home: string, now: Now): Missing[] {
    const healthy = [...links].filter((link) => link.isHealthy(now));
    for (const [region, { target }] of this.#lags) {
      if (!this.#lacks(target)) this.#lags.delete(region);
    }
    const isSearch = now.monotonicMs - this.#searchedMs >= SEARCH_MS;
    if (isSearch) this.#searchedMs = now.monotonicMs;
    for (const link of healthy) {
      const news = link.takeNews();
      for (const region of isSearch ? link.standings.keys() : news) {
        const standing = link.standings.get(region);
        if (standing === undefined) continue;
        if (region === home || this.#lags.has(region) || !this.#lacks(standing)) continue;
        const isPushed = healthy.some(({ interest }) => interest.has(region));
        const nextMs = now.monotonicMs + (isPushed ? MESH_REPAIR_GRACE_MS : 0);
        this.#lags.set(region, { target: standing, nextMs });
      }
    }
    const missing: Missing[] = [];
    for (const [region, lag] of this.#lags) {
      if (now.monotonicMs < lag.nextMs) continue;
      const holders = healthy.filter((link) => {
        const standing = link.standings.get(region);
        return standing !== undefined && this.#lacks(standing);
      });
      if (holders.length === 0) continue;
      lag.nextMs = now.monotonicMs + MESH_REPAIR_GRACE_MS;
      missing.push({ region, link: this.#random.pick(holders) });
    }
    return missing;
  }

  /** Whether a peer in this standing has something that this gateway could take. */
  #lacks(standing: Standing): boolean {
    const { region, incarnation } = standing;
    const register = this.#state.region(region);
    switch (this.#state.place(region, incarnation)) {
      case "first":
      case "later":
        return standing.sections > 0;
      case "same":
        return register?.nonces.length === 1 && isBehind(holdingOf(register), standing);
      default:
        return false;
    }
  }
}
