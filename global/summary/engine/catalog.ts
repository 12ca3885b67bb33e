import type { BinaryKey } from "../../../shared/bytes.js";
import { fromUtf8 } from "../../../shared/bytes.js";
import { SUMMARIES_PREFIX } from "../../../shared/etcd/keys.js";
import { MAX_SUMMARIES_PER_REGION, REFUSED_RETRY_FIRST_CALLS } from "../../../shared/limits.js";
import type { HashFunction } from "../../digest/hash.js";
import { canonicalText, type SummaryDefinition } from "../definition/definition.js";
import { formatIssue } from "../definition/issue.js";
import { checkDefinition } from "../definition/parse.js";
import type { FoldLimits } from "../fold/fold.js";
import { MemoryBudget } from "../fold/memory.js";
import type { ScanRequest } from "../types.js";
import { PrefixIndex } from "./prefix-index.js";
import { Running } from "./running.js";
import { Summary } from "./summary.js";

/** The scan that a source begins with; it covers everything. */
export const FIRST_READ = 0;

export interface CatalogOptions {
  readonly hash: HashFunction;
  readonly maxBytes: number;
  readonly limits: FoldLimits;
}

/** The region's definitions, and which of them are folded, published or refused. */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #budget: MemoryBudget;
  readonly #summaries = new Map<string, Summary>();
  readonly #byScan = new Map<number, Summary>();
  #index = new PrefixIndex<Running>();
  #lastScan = FIRST_READ;
  #requested: ScanRequest[] = [];
  #cancelled: number[] = [];
  /** Definitions that come now are folded by the first read, which has read no record yet. */
  joinsFirstRead = true;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#budget = new MemoryBudget(options.maxBytes);
  }

  /** All summaries, by name of their key. */
  get summaries(): ReadonlyMap<string, Summary> {
    return this.#summaries;
  }

  /** What folds a key's records. */
  matching(key: BinaryKey): readonly Running[] {
    return this.#index.matching(key);
  }

  /** What a scan is for; undefined when it isn't wanted any more. */
  byScan(scan: number): Running | undefined {
    return this.#byScan.get(scan)?.building?.running;
  }

  /** Scans to ask for and to call off, since this was asked last. */
  takeScans(): { scans: ScanRequest[]; cancelledScans: number[] } {
    const taken = { scans: this.#requested, cancelledScans: this.#cancelled };
    this.#requested = [];
    this.#cancelled = [];
    return taken;
  }

  /** Forgets everything; gives the names of sections that are out in the world. */
  reset(): string[] {
    const published: string[] = [];
    for (const summary of this.#summaries.values()) {
      if (summary.wasPublished) published.push(summary.name);
      this.#stopBuilding(summary);
      this.#stopLive(summary);
    }
    this.#summaries.clear();
    this.#index = new PrefixIndex();
    this.joinsFirstRead = true;
    return published;
  }

  /** A record below `/atoll/summaries/` was written. One that isn't valid leaves the last good in use. */
  write(name: string, value: Uint8Array, modRevision: number): void {
    const summary = this.#summaries.get(name) ?? new Summary(name);
    this.#summaries.set(name, summary);
    summary.newest = modRevision;
    const checked = checkDefinition(fromUtf8(value));
    if ("issues" in checked) {
      summary.recordError = checked.issues.map(formatIssue).join("\n");
    } else if (checked.definition.name !== name) {
      summary.recordError = `name: is "${checked.definition.name}", but the key is ${SUMMARIES_PREFIX}${name}`;
    } else if (!this.#hasRoomFor(summary)) {
      summary.recordError = `there are ${MAX_SUMMARIES_PER_REGION} summaries already; delete one, then apply this again`;
    } else {
      summary.recordError = undefined;
      this.#define(summary, checked.definition, modRevision);
    }
  }

  /** A record below `/atoll/summaries/` was deleted. True when a section of it is out in the world. */
  remove(name: string): boolean {
    const summary = this.#summaries.get(name);
    if (summary === undefined) return false;
    this.#stopBuilding(summary);
    this.#stopLive(summary);
    this.#summaries.delete(name);
    return summary.wasPublished;
  }

  /** A scan is complete: what was folded by it takes over. */
  loaded(scan: number): void {
    if (scan === FIRST_READ) this.joinsFirstRead = false;
    for (const summary of this.#summaries.values()) {
      if (summary.building?.scan !== scan) continue;
      const { running } = summary.building;
      running.fold.weigh();
      // What is refused never takes over; it is dropped with all that are.
      if (running.fold.refusal !== undefined) continue;
      summary.building = undefined;
      this.#stopLive(summary);
      summary.live = running;
      // It was said until now, since a fold that is tried again may be refused again.
      summary.refused = undefined;
      summary.nextRetryCalls = REFUSED_RETRY_FIRST_CALLS;
    }
    this.#byScan.delete(scan);
  }

  /** Takes folds that passed a bound out of use; an older one goes on where there is one. */
  dropRefused(): void {
    for (const summary of this.#summaries.values()) {
      const building = summary.building?.running;
      if (building?.fold.refusal !== undefined) {
        this.#stopBuilding(summary);
        summary.refuse(building, building.fold.refusal);
      }
      const live = summary.live;
      if (live?.fold.refusal !== undefined) {
        this.#stopLive(summary);
        summary.refuse(live, live.fold.refusal);
      }
    }
  }

  /** Begins again with what was refused, now and then. */
  retryRefused(): void {
    for (const summary of this.#summaries.values()) {
      const refused = summary.refused;
      if (refused === undefined || summary.building !== undefined) continue;
      if (--summary.retryInCalls > 0) continue;
      this.#build(summary, refused.definition, refused.modRevision);
    }
  }

  #hasRoomFor(summary: Summary): boolean {
    if (summary.live !== undefined || summary.building !== undefined) return true;
    let folded = 0;
    for (const each of this.#summaries.values()) {
      if (each.live !== undefined || each.building !== undefined) folded++;
    }
    return folded < MAX_SUMMARIES_PER_REGION;
  }

  #define(summary: Summary, definition: SummaryDefinition, modRevision: number): void {
    const canonical = canonicalText(definition);
    const { live, building } = summary;
    summary.refused = undefined;
    if (building?.running.canonical === canonical) {
      building.running.adopt(modRevision);
    } else if (live?.canonical === canonical) {
      this.#stopBuilding(summary);
      live.adopt(modRevision);
    } else {
      this.#build(summary, definition, modRevision);
    }
  }

  /** Begins to fold a definition; what is published meanwhile stays. */
  #build(summary: Summary, definition: SummaryDefinition, modRevision: number): void {
    this.#stopBuilding(summary);
    const { hash, limits } = this.#options;
    const running = new Running(definition, modRevision, this.#budget, hash, limits);
    this.#index.add(running.prefix, running);
    const scan = this.joinsFirstRead ? FIRST_READ : ++this.#lastScan;
    summary.building = { running, scan };
    if (scan === FIRST_READ) return;
    this.#byScan.set(scan, summary);
    this.#requested.push({ scan, prefix: running.prefix });
  }

  #stopBuilding(summary: Summary): void {
    if (summary.building === undefined) return;
    const { running, scan } = summary.building;
    summary.building = undefined;
    this.#stop(running);
    if (!this.#byScan.delete(scan)) return;
    const unasked = this.#requested.findIndex((request) => request.scan === scan);
    if (unasked >= 0) this.#requested.splice(unasked, 1);
    else this.#cancelled.push(scan);
  }

  #stopLive(summary: Summary): void {
    if (summary.live !== undefined) this.#stop(summary.live);
    summary.live = undefined;
  }

  #stop(running: Running): void {
    this.#index.remove(running.prefix, running);
    running.fold.close();
  }
}
