import { MESH_LINK_SUSPECT_MS } from "../../../shared/limits.js";
import { type Link, leadsTo } from "./link.js";
import type { Now } from "./now.js";
import type { PlannerInput } from "./planner-input.js";
import { ranked } from "./rendezvous.js";

/** Time that a first dial may take before a relay is asked meanwhile. */
const FIRST_DIAL_MS = 1_000;
/** Time that a parent has to bring an origin's first news. */
const PARENT_STALE_MS = 3_000;

/** Which of each region's gateways this one fetches from, and whether that works. */
export class Straight {
  readonly #input: PlannerInput;
  /** Address of the gateway in use, by region. */
  readonly #direct = new Map<string, string>();
  /** Gateways to be dialled in place of one that is no longer known. */
  readonly #heirs = new Set<string>();

  constructor(input: PlannerInput) {
    this.#input = input;
  }

  /** Tells of neighbour regions whether one of their gateways works, as far as is known. */
  whoIsUp(now: Now): (region: string) => boolean {
    const known = new Map<string, boolean>();
    return (region) => {
      let isUp = known.get(region);
      if (isUp === undefined) {
        isUp = this.#isUp(region, now);
        known.set(region, isUp);
      }
      return isUp;
    };
  }

  #isUp(region: string, now: Now): boolean {
    const address = this.#direct.get(region);
    const link = address === undefined ? undefined : this.#links(address);
    if (link?.state === "up") return link.isHealthy(now);
    if (link?.state === "connecting") return isFirstDial(link, now);
    return this.#input.addresses.of(region).some((other) => !this.#input.links.has(other));
  }

  /**
   * Streams that are to be there, if only to know whether they work: to gateways in whose
   * favour one that is no longer known will be left, and to neighbours that failed as parents,
   * also those whose own news a sibling fetches, since nothing else would show that they are back.
   */
  toTry(now: Now): string[] {
    const addresses = [...this.#heirs];
    this.#heirs.clear();
    for (const region of this.#input.addresses.trees.neighbours() ?? []) {
      const address = this.#direct.get(region);
      const state = address === undefined ? undefined : this.#links(address)?.state;
      if (state !== "down" && state !== "connecting") continue;
      const link = this.choose(region, now);
      if (link !== undefined) addresses.push(link.address);
    }
    return addresses;
  }

  /** The stream to one of a region's gateways. */
  choose(region: string, now: Now): Link | undefined {
    const address = this.#chooseDirect(region, now);
    return address === undefined ? undefined : this.#input.meet(region, address);
  }

  #chooseDirect(region: string, now: Now): string | undefined {
    const { gateway, region: home } = this.#input;
    const addresses = this.#input.addresses.of(region);
    const current = this.#direct.get(region);
    const link = current === undefined ? undefined : this.#links(current);
    const isInUse = link?.state === "up" || link?.state === "connecting";
    if (isInUse && addresses.includes(link.address)) return link.address;
    const next = ranked(`${home}/${gateway}`, addresses).find((address) => {
      const other = this.#links(address);
      return other === undefined || other.isDue(now) || this.#input.streams.has(other);
    });
    if (next === undefined) return isInUse ? link.address : undefined;
    if (isInUse && this.#links(next)?.state !== "up") {
      this.#input.meet(region, next);
      this.#heirs.add(next);
      return link.address;
    }
    this.#direct.set(region, next);
    return next;
  }

  /** Whether the next one up an origin's tree brings news, or hasn't had the time to. */
  isParentGood(link: Link, region: string, now: Now): boolean {
    if (link.state === "idle" || this.isGood(link, region, now)) return true;
    return link.isHealthy(now) && now.monotonicMs - link.sinceMs < PARENT_STALE_MS;
  }

  /** Whether a direct link brings news, or hasn't had the time to. */
  isGood(link: Link, region: string, now: Now): boolean {
    if (link.state === "connecting") {
      if (!isFirstDial(link, now)) return false;
      return (this.#input.book.ageMs(region, now.ageMs) ?? 0) < MESH_LINK_SUSPECT_MS;
    }
    if (!link.isHealthy(now) || !link.isAnswered(now)) return false;
    const standing = link.standings.get(region);
    if (standing === undefined) return now.monotonicMs - link.sinceMs < FIRST_DIAL_MS;
    return standing.path.length > 0 && !leadsTo(this.#input.region, link, standing.path);
  }

  #links(address: string): Link | undefined {
    return this.#input.links.get(address);
  }
}

function isFirstDial(link: Link, now: Now): boolean {
  return link.failures === 0 && now.monotonicMs - link.sinceMs < FIRST_DIAL_MS;
}
