import { CLOCK_DRIFT, MAX_CONFIRMATIONS_PER_REGION } from "../../shared/limits.js";
import type { StateReader } from "../digest/global-state.js";
import { type Section, sectionKey } from "../digest/section.js";
import type { Incarnation } from "../digest/version.js";

/** That all a region had acknowledged before `asOfMs` is in its state at `revision`. */
export interface Confirmation {
  readonly region: string;
  readonly incarnation: Incarnation;
  readonly revision: number;
  /** On this gateway's own age clock. */
  readonly asOfMs: number;
}

interface Known {
  /** Which life and definition it is known of. */
  readonly line: string;
  asOfMs: number;
}

/**
 * An instant on this gateway's age clock at or before the one at which a sender's data
 * was current: `stampMs` is the newest ping of ours that the sender had received when
 * it computed its own bound `ageMs`.
 */
export function asOfFromEcho(stampMs: number, ageMs: number): number {
  return stampMs - (1 + CLOCK_DRIFT) * ageMs;
}

/** The age at `nowMs` of what was current at `asOfMs`; never less than the true one. */
export function ageAt(asOfMs: number, nowMs: number): number {
  return Math.max(0, (1 + CLOCK_DRIFT) * (nowMs - asOfMs));
}

/**
 * As-of instants of regions and sections. A confirmation counts for a section only
 * once that stands at the confirmed revision or past it; the largest as-of is kept.
 * What it doesn't know has no age.
 */
export class FreshnessBook {
  readonly #state: StateReader;
  /** By region, in the order of revisions; the last is the newest. */
  readonly #confirmations = new Map<string, Confirmation[]>();
  readonly #sections = new Map<string, Known>();
  /** Of the definition before, where it is still merged. */
  readonly #previous = new Map<string, Known>();

  constructor(state: StateReader) {
    this.#state = state;
  }

  /** Takes a confirmation, in whatever order they come. */
  confirm(confirmation: Confirmation): void {
    const { region, incarnation } = confirmation;
    const list = this.#confirmations.get(region) ?? [];
    const newest = list.at(-1);
    // What is held is proven; a peer that told of another life before may have lied.
    const held = this.#state.region(region)?.incarnation;
    if (held !== undefined && held.nonce !== incarnation.nonce) return;
    if (newest !== undefined && newest.incarnation.nonce !== incarnation.nonce) list.length = 0;
    insert(list, confirmation);
    this.#confirmations.set(region, list);
    let lowest = Number.POSITIVE_INFINITY;
    for (const section of this.#state.region(region)?.sections() ?? []) {
      if (section.schema.retired) continue;
      this.#raise(section, list);
      lowest = Math.min(lowest, section.version.revision);
    }
    while (list.length > 1 && (list[0] as Confirmation).revision <= lowest) list.shift();
    if (list.length > MAX_CONFIRMATIONS_PER_REGION) list.splice(-2, 1);
  }

  /** To be called when a section has moved. */
  moved(section: Section): void {
    this.#raise(section, this.#confirmations.get(section.id.region) ?? []);
  }

  /** As-of of a section, or of the last one of the definition before; undefined when unknown. */
  asOf(section: Section): number | undefined {
    const key = sectionKey(section.id);
    const line = lineOf(section);
    for (const known of [this.#sections.get(key), this.#previous.get(key)]) {
      if (known?.line === line) return known.asOfMs;
    }
    return undefined;
  }

  /** Takes an as-of that is known of a section as it stands, such as from before a restart. */
  recall(section: Section, asOfMs: number): void {
    const key = sectionKey(section.id);
    const line = lineOf(section);
    const known = this.#sections.get(key);
    if (known?.line === line) {
      known.asOfMs = Math.max(known.asOfMs, asOfMs);
      return;
    }
    if (known !== undefined) this.#previous.set(key, known);
    this.#sections.set(key, { line, asOfMs });
  }

  /** The newest confirmation of a region, whatever its sections say. */
  newest(region: string): Confirmation | undefined {
    return this.#confirmations.get(region)?.at(-1);
  }

  /** Drops what is known of a region that was removed for good. */
  forget(region: string): void {
    this.#confirmations.delete(region);
    for (const map of [this.#sections, this.#previous]) {
      for (const key of map.keys()) if (key.startsWith(`${region}\n`)) map.delete(key);
    }
  }

  #raise(section: Section, confirmations: readonly Confirmation[]): void {
    const { version } = section;
    let best: number | undefined;
    for (const { incarnation, revision, asOfMs } of confirmations) {
      if (revision > version.revision) break;
      if (incarnation.nonce === version.incarnation.nonce) best = Math.max(best ?? asOfMs, asOfMs);
    }
    if (best !== undefined) this.recall(section, best);
  }
}

function lineOf(section: Section): string {
  return `${section.version.incarnation.nonce}/${section.schema.fingerprint}`;
}

/** Inserts in the order of revisions, one for each. */
function insert(list: Confirmation[], confirmation: Confirmation): void {
  let at = list.length;
  while (at > 0 && (list[at - 1] as Confirmation).revision > confirmation.revision) at--;
  const before = list[at - 1];
  if (before?.revision !== confirmation.revision) list.splice(at, 0, confirmation);
  else if (before.asOfMs < confirmation.asOfMs) list[at - 1] = confirmation;
}
