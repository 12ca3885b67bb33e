import { MAX_CONFLICTING_NONCES, QUARANTINE_AFTER_FAILURES } from "../../shared/limits.js";
import type { Attestation } from "./attestation.js";
import { HeldSection } from "./held-section.js";
import type { Section } from "./section.js";
import type { Incarnation } from "./version.js";

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

/** The last section of the definition before, and its origin's word where that was given. */
export interface Predecessor {
  readonly section: Section;
  readonly word: Attestation | undefined;
}

/** A region's register for who keeps it: nothing in it is to be changed. */
export interface RegionHoldings extends RegionView {
  readonly held: ReadonlyMap<string, HeldSection>;
  readonly superseded: ReadonlyMap<string, Predecessor>;
  /** The words of lives that are in conflict with this one. */
  readonly evidence: Iterable<Attestation>;
}

/**
 * One region's register: the sections of its highest known incarnation. A higher
 * incarnation begins a new register; what the old one held belongs to a life that is
 * over, and may hold summaries that the new one never had.
 */
export class RegionRegister implements RegionHoldings {
  readonly region: string;
  readonly incarnation: Incarnation;
  readonly held = new Map<string, HeldSection>();
  readonly superseded = new Map<string, Predecessor>();
  /** The origins' word for each of the lives in conflict, by nonce. */
  readonly #evidence = new Map<string, Attestation>();
  readonly #faults = new Map<string, Fault>();
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

  /**
   * Notes that another life claims this counter, by its origin's word; true when that is
   * news. Of very many the smallest nonces are kept, so that all holders keep the same.
   */
  witness(word: Attestation): boolean {
    const { nonce } = word.incarnation;
    if (this.#nonces.includes(nonce)) return false;
    const kept = [...this.#nonces, nonce].sort().slice(0, MAX_CONFLICTING_NONCES);
    if (!kept.includes(nonce)) return false;
    this.#nonces = kept;
    this.#evidence.set(nonce, word);
    for (const known of this.#evidence.keys())
      if (!kept.includes(known)) this.#evidence.delete(known);
    return true;
  }

  /** What proves the conflict to others, this life's own part aside. */
  get evidence(): Iterable<Attestation> {
    return this.#evidence.values();
  }

  /** An operator has settled the conflict for this life. */
  settle(): void {
    this.#nonces = [this.incarnation.nonce];
    this.#evidence.clear();
  }

  *sections(): Generator<Section> {
    for (const held of this.held.values()) yield held.section;
  }

  section(summary: string): Section | undefined {
    return this.held.get(summary)?.section;
  }

  previous(summary: string): Section | undefined {
    return this.superseded.get(summary)?.section;
  }

  fault(summary: string): Fault | undefined {
    return this.#faults.get(summary);
  }

  /** Counts a refusal of a section; it is quarantined `atOnce`, or after some in a row. */
  fail(summary: string, message: string, atOnce: boolean): void {
    const last = this.#faults.get(summary);
    const failures = (last?.failures ?? 0) + 1;
    const quarantined =
      atOnce || last?.quarantined === true || failures >= QUARANTINE_AFTER_FAILURES;
    this.#faults.set(summary, { failures, quarantined, message });
  }

  /** A section has moved: nothing is wrong with it any more. */
  heal(summary: string): void {
    this.#faults.delete(summary);
  }
}
