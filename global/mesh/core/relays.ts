import { MESH_VECTOR_INTERVAL_MS } from "../../../shared/limits.js";
import { type Link, leadsTo } from "./link.js";
import type { Now } from "./now.js";

/** A relay is left for a faster one only when that saves this much, and this share. */
const GAIN_MS = 10;
const GAIN_SHARE = 0.1;
/** Time by which the relay in use may be behind others, beyond what their words differ by. */
const KEPT_MS = 500;

/** Which third regions' gateways bring regions whose straight way fails. */
export class Relays {
  readonly #home: string;
  /** Address of the relay in use, by origin region. */
  readonly #used = new Map<string, string>();

  constructor(home: string) {
    this.#home = home;
  }

  /**
   * The gateway to ask for a region's news meanwhile: of those that have them on a way that
   * doesn't lead through here, and as fresh as anyone's, the one by which they come fastest.
   * Peers say where they stand once each round, so that far their words may differ in age;
   * one that is older lost its way, too. Undefined when there is none.
   */
  ask(
    region: string,
    direct: string | undefined,
    links: Iterable<Link>,
    now: Now,
  ): string | undefined {
    const used = this.#used.get(region);
    const ways: Way[] = [];
    let freshestMs = Number.NEGATIVE_INFINITY;
    for (const link of links) {
      const way = link.address === direct ? undefined : this.#way(region, link, now);
      if (way === undefined) continue;
      ways.push(way);
      freshestMs = Math.max(freshestMs, way.asOfMs);
    }
    const isUsed = ({ address }: Way): boolean => address === used;
    const oldestMs = freshestMs - MESH_VECTOR_INTERVAL_MS;
    const fresh = ways.filter((way) => way.asOfMs >= oldestMs - (isUsed(way) ? KEPT_MS : 0));
    const fastest = fresh.reduce<Way | undefined>(faster, undefined);
    if (fastest === undefined) {
      this.leave(region);
      return undefined;
    }
    const current = fresh.find(isUsed);
    const isKept = current !== undefined && current.rttMs - fastest.rttMs <= gainMs(current.rttMs);
    const { address } = isKept ? current : fastest;
    this.#used.set(region, address);
    return address;
  }

  /** No relay is needed for a region any more. */
  leave(region: string): void {
    this.#used.delete(region);
  }

  #way(region: string, link: Link, now: Now): Way | undefined {
    if (!link.isHealthy(now)) return undefined;
    const standing = link.standings.get(region);
    if (standing?.asOfMs === undefined || standing.path.length === 0) return undefined;
    if (leadsTo(this.#home, link, standing.path)) return undefined;
    const rttMs = (link.rttMs ?? UNKNOWN_MS) + (standing.rttMs ?? UNKNOWN_MS);
    return { address: link.address, asOfMs: standing.asOfMs, rttMs };
  }
}

interface Way {
  readonly address: string;
  readonly asOfMs: number;
  /** To the origin. */
  readonly rttMs: number;
}

/** A round trip that wasn't measured counts as longer than any that was. */
const UNKNOWN_MS = 60_000;

function faster(best: Way | undefined, way: Way): Way {
  if (best === undefined || way.rttMs < best.rttMs) return way;
  return way.rttMs === best.rttMs && way.asOfMs > best.asOfMs ? way : best;
}

function gainMs(rttMs: number): number {
  return Math.max(GAIN_MS, GAIN_SHARE * rttMs);
}
