import { MESH_OWN_PAST_WAIT_MS } from "../../../shared/limits.js";
import type { StateReader } from "../../digest/global-state.js";
import type { Directory } from "./address-book.js";
import { lacks } from "./holding.js";
import type { Link } from "./link.js";
import type { Now } from "./now.js";

/** Peers that are asked, so that one that hangs doesn't hide what the others know. */
const ASKED = 3;

export interface OwnPastInput {
  readonly home: string;
  readonly state: StateReader;
  /** Gateways that were dialled, by address. */
  readonly links: ReadonlyMap<string, Link>;
  /** Where gateways can be dialled, by region. */
  readonly directory: () => Directory;
  /** This gateway's own fold has said something. */
  readonly hasSpoken: () => boolean;
}

/**
 * What was told of this gateway's own region before it was started again. It comes back with
 * what it has saved, which can be less than it told, and its consumers stand where they were
 * told. Its peers were told the same: until its own fold speaks, some of them are to push the
 * own region too, so that the fold goes on from there and not from the last save.
 */
export class OwnPast {
  readonly #input: OwnPastInput;
  #sinceMs: number | undefined;
  #isOver = false;

  constructor(input: OwnPastInput) {
    this.#input = input;
  }

  /** Adds the own region to what is wanted of some of a plan's streams. */
  want(plan: ReadonlyMap<string, Set<string>>): void {
    if (this.#input.hasSpoken()) return;
    let left = ASKED;
    for (const [address, regions] of plan) {
      const link = this.#input.links.get(address);
      if (link === undefined || !mayAnswer(link)) continue;
      regions.add(this.#input.home);
      if (--left === 0) return;
    }
  }

  /**
   * True once, when the own fold may speak: what a peer has is here, or nobody can be asked,
   * or it took too long.
   */
  ends(now: Now): boolean {
    if (this.#isOver) return false;
    this.#sinceMs ??= now.monotonicMs;
    const isLate = now.monotonicMs - this.#sinceMs >= MESH_OWN_PAST_WAIT_MS;
    this.#isOver = isLate || this.#isKnown() || this.#isAlone();
    return this.#isOver;
  }

  /** A peer that was asked has nothing of the own region, or nothing that isn't here. */
  #isKnown(): boolean {
    const { home, state, links } = this.#input;
    for (const link of links.values()) {
      if (link.state !== "up" || !link.interest.has(home)) continue;
      // Its first frame has its standing, unless it knows nothing of the region.
      const standing = link.standings.get(home);
      if (standing === undefined || !lacks(state, standing)) return true;
    }
    return false;
  }

  /** There is nobody who might still answer. */
  #isAlone(): boolean {
    const { links, directory } = this.#input;
    for (const addresses of directory().values()) {
      // A name that isn't looked up yet.
      if (addresses.length === 0) return false;
      for (const address of addresses) {
        const link = links.get(address);
        if (link === undefined || mayAnswer(link)) return false;
      }
    }
    return true;
  }
}

function mayAnswer({ isSelf, state }: Link): boolean {
  return !isSelf && state !== "down";
}
