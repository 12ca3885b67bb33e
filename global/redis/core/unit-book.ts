import {
  MIRROR_FOLLOW_MS,
  MIRROR_REFRESH_MS,
  MIRROR_REFRESHES_PER_SECOND,
  MIRROR_SWEEP_MS,
  MIRROR_WRITE_INTERVAL_MS,
} from "../../../shared/limits.js";
import type { StateReader } from "../../digest/global-state.js";
import { unitName, unitOf } from "./keys.js";
import { newUnit, type Unit } from "./unit.js";

/** Which part of the view moved. */
export interface Change {
  readonly region: string;
  /** Undefined when it concerns the region as a whole. */
  readonly summary: string | undefined;
}

/**
 * Every unit that this gateway mirrors, and when each is to be looked at. It keeps what
 * moved, never what it moved to: however long Redis is away, its memory is that of the
 * units' names, and they are written as they are once Redis is back.
 */
export class UnitBook {
  readonly #state: StateReader;
  readonly #writer: string;
  readonly #units = new Map<string, Unit>();
  /** Units that may be due before the next sweep. */
  readonly #ready = new Set<Unit>();
  /** Sections by name to the root that was last seen. */
  readonly #roots = new Map<string, string>();
  readonly #counters = new Map<string, number>();
  #news = new Map<string, Change>();
  /** Since when there are some. */
  #newsMs: number | undefined;
  #sweepMs = 0;

  /** `writer` names this gateway's process among all that write. */
  constructor(state: StateReader, writer: string) {
    this.#state = state;
    this.#writer = writer;
  }

  get size(): number {
    return this.#units.size;
  }

  units(): Iterable<Unit> {
    return this.#units.values();
  }

  /** Pause after which a unit's last writer tells its versions again. */
  get refreshMs(): number {
    return Math.max(MIRROR_REFRESH_MS, (this.#units.size * 1_000) / MIRROR_REFRESHES_PER_SECOND);
  }

  /** Takes note that something moved; cheap, and bounded by the number of sections. */
  note(change: Change, nowMs: number): void {
    this.#newsMs ??= nowMs;
    this.#news.set(`${change.region}\n${change.summary ?? ""}`, change);
  }

  /** Takes up all that the state holds. */
  noteAll(nowMs: number): void {
    for (const { region } of this.#state.regions()) {
      this.note({ region, summary: undefined }, nowMs);
    }
    for (const region of this.#state.forgotten.keys()) {
      this.note({ region, summary: undefined }, nowMs);
    }
  }

  /** Takes up a unit that the index in Redis names. */
  adopt(name: string, nowMs: number): void {
    this.#unit(name, nowMs).listed = true;
  }

  /** Nothing is known any more of what Redis holds: everything is to be looked at. */
  forgetStored(nowMs: number): void {
    for (const unit of this.#units.values()) {
      unit.stored = undefined;
      unit.listed = undefined;
      unit.dueMs = nowMs;
    }
    this.#sweepMs = nowMs;
  }

  /** Since when the oldest change waits that isn't in Redis; undefined when all is. */
  oldestChangeMs(): number | undefined {
    let oldest = this.#newsMs;
    for (const { notedMs, sentNoteMs } of this.#units.values()) {
      const since = sentNoteMs ?? notedMs;
      if (since !== undefined && since < (oldest ?? Number.POSITIVE_INFINITY)) oldest = since;
    }
    return oldest;
  }

  /** Up to `limit` units that are due, and when to ask again. */
  due(nowMs: number, limit: number): { units: Unit[]; nextMs: number } {
    this.#absorb(nowMs);
    if (nowMs >= this.#sweepMs) {
      this.#sweepMs = nowMs + MIRROR_SWEEP_MS;
      for (const unit of this.#units.values()) {
        if (unit.dueMs < this.#sweepMs) this.#ready.add(unit);
      }
    }
    const units: Unit[] = [];
    let nextMs = this.#sweepMs;
    for (const unit of this.#ready) {
      if (unit.dueMs > nowMs) nextMs = Math.min(nextMs, unit.dueMs);
      if (unit.dueMs > nowMs || unit.busy) continue;
      if (units.length >= limit) break;
      this.#ready.delete(unit);
      units.push(unit);
    }
    return { units, nextMs };
  }

  /** Says that a unit may be due again soon. */
  again(unit: Unit): void {
    this.#ready.add(unit);
  }

  #absorb(nowMs: number): void {
    if (this.#news.size === 0) return;
    const news = this.#news;
    const sinceMs = this.#newsMs ?? nowMs;
    this.#news = new Map();
    this.#newsMs = undefined;
    for (const change of news.values()) {
      if (change.summary === undefined || this.#isNewLife(change.region)) {
        this.#touchRegion(change.region, nowMs, sinceMs);
      } else {
        this.#touchSection(change.region, change.summary, nowMs, sinceMs);
      }
    }
  }

  #isNewLife(region: string): boolean {
    const counter = this.#state.region(region)?.incarnation.counter ?? 0;
    if (this.#counters.get(region) === counter) return false;
    this.#counters.set(region, counter);
    return true;
  }

  #touchRegion(region: string, nowMs: number, sinceMs: number): void {
    for (const { id, root } of this.#state.region(region)?.sections() ?? []) {
      this.#roots.set(unitName(id), root);
      this.#touch(unitName(id), nowMs, sinceMs);
      this.#touch(id.summary, nowMs, sinceMs);
    }
    for (const { id, name } of this.#units.values()) {
      if (id.region === undefined || id.region === region) this.#touch(name, nowMs, sinceMs);
    }
  }

  #touchSection(region: string, summary: string, nowMs: number, sinceMs: number): void {
    const name = unitName({ region, summary });
    const root = this.#state.section({ region, summary })?.root;
    // New versions of equal content can wait for the next refresh.
    if (root === undefined || this.#roots.get(name) === root) return;
    this.#roots.set(name, root);
    this.#touch(name, nowMs, sinceMs);
    this.#touch(summary, nowMs, sinceMs);
  }

  #touch(name: string, nowMs: number, sinceMs: number): void {
    const unit = this.#unit(name, nowMs);
    unit.notedMs ??= sinceMs;
    const isOwn = unit.stored === undefined || unit.stored.writer === this.#writer;
    const soon = Math.max(
      nowMs + (isOwn ? 0 : MIRROR_FOLLOW_MS),
      unit.lookedMs + MIRROR_WRITE_INTERVAL_MS,
    );
    unit.dueMs = Math.min(unit.dueMs, soon);
    this.#ready.add(unit);
  }

  #unit(name: string, nowMs: number): Unit {
    let unit = this.#units.get(name);
    if (unit === undefined) {
      unit = newUnit(unitOf(name), name, nowMs);
      this.#units.set(name, unit);
      this.#ready.add(unit);
    }
    return unit;
  }
}
