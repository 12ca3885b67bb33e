import { MAX_CONFLICTING_NONCES } from "../../shared/limits.js";
import { HeldSection } from "./held-section.js";
import type { Section } from "./section.js";
import { type Incarnation, isConflict } from "./version.js";

/** Why a section isn't moving though news came. */
export interface Fault {
  /** Refusals since the section last moved. */
  readonly failures: number;
  /** No deltas are taken any more; a whole section that verifies heals it. */
  readonly quarantined: boolean;
  readonly message: string;
}

/** All that a state knows of one region, for readers. */
export interface RegionView {
  readonly region: string;
  /** The highest incarnation that a section was taken from. */
  readonly incarnation: Incarnation;
  /** Nonces that claim this incarnation's counter, sorted; more than one is a conflict. */
  readonly nonces: readonly string[];
  sections(): Iterable<Section>;
  section(summary: string): Section | undefined;
  /**
   * The last section of the definition before, while regions differ in what they
   * publish: so that a view can go on with the definition that all of them had.
   */
  previous(summary: string): Section | undefined;
  fault(summary: string): Fault | undefined;
}

/**
 * One region's register: the sections of its highest known incarnation. A higher
 * incarnation begins a new register; what the old one held belongs to a life that is
 * over, and may hold summaries that the new one never had.
 */
export class RegionRegister implements RegionView {
  readonly region: string;
  readonly incarnation: Incarnation;
  readonly held = new Map<string, HeldSection>();
  readonly faults = new Map<string, Fault>();
  readonly superseded = new Map<string, Section>();
  #nonces: readonly string[];

  constructor(region: string, incarnation: Incarnation) {
    this.region = region;
    this.incarnation = incarnation;
    this.#nonces = [incarnation.nonce];
  }

  get nonces(): readonly string[] {
    return this.#nonces;
  }

  /** Frozen: two incarnations claim one counter. */
  get inConflict(): boolean {
    return this.#nonces.length > 1;
  }

  /** Notes which incarnations there are; true when that is news of a conflict. */
  witness(incarnation: Incarnation): boolean {
    return isConflict(this.incarnation, incarnation) && this.addNonces([incarnation.nonce]);
  }

  /** Joins nonces that claim this counter: a sorted set, the smallest when it gets long. */
  addNonces(nonces: readonly string[]): boolean {
    const joined = [...new Set([...this.#nonces, ...nonces])].sort();
    const kept = joined.slice(0, MAX_CONFLICTING_NONCES);
    const news = kept.join() !== this.#nonces.join();
    this.#nonces = kept;
    return news;
  }

  *sections(): Generator<Section> {
    for (const held of this.held.values()) yield held.section;
  }

  section(summary: string): Section | undefined {
    return this.held.get(summary)?.section;
  }

  previous(summary: string): Section | undefined {
    return this.superseded.get(summary);
  }

  fault(summary: string): Fault | undefined {
    return this.faults.get(summary);
  }
}
