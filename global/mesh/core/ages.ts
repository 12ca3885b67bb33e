import { CLOCK_DRIFT } from "../../../shared/limits.js";
import type { StateReader } from "../../digest/global-state.js";
import type { RegionView } from "../../digest/region-register.js";
import type { Incarnation } from "../../digest/version.js";
import type { Standing } from "./standing.js";

/** Proof that a region's content from a revision on has all that was there at an instant. */
export interface Confirmation {
  readonly region: string;
  readonly incarnation: Incarnation;
  readonly confirmedRevision: number;
  /** Live sections that belong to it. */
  readonly sections: number;
  /** The instant, on this gateway's age clock. */
  readonly asOfMs: number;
  /** Regions through which it came: this gateway's own first, the origin last. */
  readonly path: readonly string[];
}

interface Entry {
  accepted: Confirmation | undefined;
  /** The oldest that waits for sections on their way; later ones wait in the peers. */
  waiting: Confirmation | undefined;
}

/** How far a holder is with a region: its live sections, and the revision all of them have. */
export interface Holding {
  readonly sections: number;
  /** Infinity when there are none. */
  readonly revision: number;
}

/** Counts a region's live sections and finds the revision that all have reached. */
export function holdingOf(register: RegionView | undefined): Holding {
  let sections = 0;
  let revision = Number.POSITIVE_INFINITY;
  for (const section of register?.sections() ?? []) {
    if (section.schema.retired) continue;
    sections++;
    revision = Math.min(revision, section.version.revision);
  }
  return { sections, revision };
}

/**
 * How old this gateway's knowledge of each region is, never understated: an instant
 * counts only once the sections are at the revision that was confirmed for it, and
 * the latest instant stands. Where nothing was confirmed, the age is unknown.
 */
export class Ages {
  readonly #state: StateReader;
  readonly #entries = new Map<string, Entry>();

  constructor(state: StateReader) {
    this.#state = state;
  }

  /** Takes a confirmation; true when it moved the region's instant. */
  confirm(confirmation: Confirmation): boolean {
    let entry = this.#entries.get(confirmation.region);
    if (entry === undefined) {
      entry = { accepted: undefined, waiting: undefined };
      this.#entries.set(confirmation.region, entry);
    }
    if (this.#holds(confirmation)) {
      entry.waiting = undefined;
      return accept(entry, confirmation);
    }
    // The oldest is the first that can be met; but not when its sections are others by now.
    const { waiting } = entry;
    if (
      waiting?.incarnation.nonce !== confirmation.incarnation.nonce ||
      waiting.sections !== confirmation.sections
    ) {
      entry.waiting = confirmation;
    }
    return false;
  }

  /** Looks again at what waited: sections of the region moved. */
  moved(region: string): void {
    const entry = this.#entries.get(region);
    if (entry?.waiting === undefined || !this.#holds(entry.waiting)) return;
    accept(entry, entry.waiting);
    entry.waiting = undefined;
  }

  /** What was last confirmed of the region's present incarnation. */
  confirmed(region: string): Confirmation | undefined {
    const accepted = this.#entries.get(region)?.accepted;
    const register = this.#state.region(region);
    if (register === undefined || accepted === undefined) return accepted;
    return register.incarnation.nonce === accepted.incarnation.nonce ? accepted : undefined;
  }

  /** Upper bound of the age in milliseconds; undefined when unknown. */
  ageMs(region: string, ageNowMs: number): number | undefined {
    const confirmation = this.confirmed(region);
    if (confirmation === undefined) return undefined;
    return (1 + CLOCK_DRIFT) * Math.max(0, ageNowMs - confirmation.asOfMs);
  }

  /** Forgets a region that was removed for good. */
  drop(region: string): void {
    this.#entries.delete(region);
  }

  /** Regions that anything was confirmed of. */
  regions(): Iterable<string> {
    return this.#entries.keys();
  }

  /** What this gateway can tell others of a region; undefined when it knows nothing. */
  standing(region: string, ageNowMs: number, isAlive: boolean): Standing | undefined {
    const confirmation = this.confirmed(region);
    const register = this.#state.region(region);
    const incarnation = register?.incarnation ?? confirmation?.incarnation;
    if (incarnation === undefined) return undefined;
    const holding = holdingOf(register);
    const confirmedRevision = confirmation?.confirmedRevision ?? 0;
    return {
      region,
      incarnation,
      revision: holding.sections === 0 ? confirmedRevision : holding.revision,
      sections: holding.sections,
      confirmedRevision,
      ageMs: this.ageMs(region, ageNowMs),
      path: isAlive ? (confirmation?.path ?? []) : [],
    };
  }

  #holds({ region, incarnation, confirmedRevision, sections }: Confirmation): boolean {
    const register = this.#state.region(region);
    if (register !== undefined && register.incarnation.nonce !== incarnation.nonce) return false;
    const holding = holdingOf(register);
    return holding.sections === sections && holding.revision >= confirmedRevision;
  }
}

function accept(entry: Entry, confirmation: Confirmation): boolean {
  const { accepted } = entry;
  const isLater =
    accepted === undefined ||
    accepted.incarnation.nonce !== confirmation.incarnation.nonce ||
    confirmation.asOfMs > accepted.asOfMs;
  if (isLater) entry.accepted = confirmation;
  return isLater;
}
