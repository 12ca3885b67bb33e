import { quantile } from "../statistics.js";

/** How long changes took from their origin's gateway to the other regions, in milliseconds. */
export interface Spread {
  /** Of a change to one other region. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of a change to the last of all other regions. */
  readonly allP50Ms: number;
  readonly allP99Ms: number;
  /** Changes that had not reached every other region when the run ended. */
  readonly unfinished: number;
}

interface Change {
  readonly revision: number;
  readonly atMs: number;
  readonly arrivalsMs: Map<string, number>;
}

/** Notes when changes arrive where. */
export class Convergence {
  readonly #changes = new Map<string, Change[]>();

  /** A change becomes known at its origin. */
  began(origin: string, revision: number, atMs: number): void {
    const changes = this.#changes.get(origin) ?? [];
    changes.push({ revision, atMs, arrivalsMs: new Map() });
    this.#changes.set(origin, changes);
  }

  /** A region has its part of an origin at a revision; only the first time counts. */
  arrived(origin: string, revision: number, region: string, atMs: number): void {
    for (const change of this.#changes.get(origin) ?? []) {
      if (change.revision > revision || change.arrivalsMs.has(region)) continue;
      change.arrivalsMs.set(region, atMs - change.atMs);
    }
  }

  /** Changes that began. */
  get changes(): number {
    return [...this.#changes.values()].flat().length;
  }

  /** `others`: regions that every change is to reach. */
  spread(others: number): Spread {
    const pairs: number[] = [];
    const lasts: number[] = [];
    let unfinished = 0;
    for (const { arrivalsMs } of [...this.#changes.values()].flat()) {
      const arrivals = [...arrivalsMs.values()];
      for (const ms of arrivals) pairs.push(ms);
      if (arrivals.length < others) unfinished++;
      else lasts.push(arrivals.reduce((a, b) => Math.max(a, b), 0));
    }
    pairs.sort((a, b) => a - b);
    lasts.sort((a, b) => a - b);
    return {
      p50Ms: quantile(pairs, 0.5),
      p99Ms: quantile(pairs, 0.99),
      maxMs: pairs.at(-1) ?? Number.NaN,
      allP50Ms: quantile(lasts, 0.5),
      allP99Ms: quantile(lasts, 0.99),
      unfinished,
    };
  }
}
