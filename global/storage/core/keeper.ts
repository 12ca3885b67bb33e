import {
  STORAGE_AGE_STEP_MS,
  STORAGE_STEP_BYTES,
  STORAGE_STEP_GROUPS,
  STORAGE_TRANSACTION_BYTES,
} from "../../../shared/limits.js";
import type { Attestation } from "../../digest/attestation.js";
import type { Gap } from "../../digest/delta.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { HeldSection } from "../../digest/held-section.js";
import type { Order } from "../../digest/orders.js";
import type { RecencyRow } from "../../digest/recency.js";
import type { RegionHoldings } from "../../digest/region-register.js";
import type { Section } from "../../digest/section.js";
import { sameLine, type Version } from "../../digest/version.js";
import type { FreshnessBook } from "../../view/freshness-book.js";
import type { AgeMark, ClockReading } from "./clock-reading.js";
import { type KeptPlace, Ledger, type Place } from "./ledger.js";
import { RowPacker } from "./packed-rows.js";
import { groupRowKey, namedKey, numberedKey } from "./row-keys.js";
import {
  encodeKeptGroup,
  encodeKeptOrder,
  encodeKeptRegion,
  encodeKeptSection,
  encodeKeptSource,
  encodeKeptWord,
  type KeptSource,
} from "./row-values.js";

/** A piece of what is to be written. */
export interface SaveStep {
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly rows: number;
  /**
   * Where a transaction ends: to be called once it is committed. Without it, all pieces
   * since the last one that ended a transaction belong to one that goes on.
   */
  readonly committed: (() => void) | undefined;
}

/** The instant of a save, on the machine's clocks and on the age clock right after them. */
export interface SaveTime {
  readonly reading: ClockReading;
  readonly ageNowMs: number;
}

export interface KeeperInput {
  readonly state: GlobalState;
  readonly freshness: FreshnessBook;
  /** How far the own region's store was followed. */
  readonly source: () => KeptSource | undefined;
}

/** A section as it is to be saved, captured at one moment. */
interface Capture {
  readonly place: Place;
  readonly section: Section;
  readonly word: Attestation | undefined;
  readonly floor: number;
  readonly gaps: readonly Gap[];
  readonly asOfMs: number | undefined;
  /** Groups to write; all that there are when the slot is written anew. */
  readonly rows: readonly RecencyRow[];
  readonly isAnew: boolean;
}

/**
 * Works out what leads from what is on disk to the view as it is. It is told of nothing:
 * the state itself knows when each group last changed, so nothing is queued, and however
 * often a group changes between two saves it is written once.
 *
 * A section's rows are one transaction, so that any crash leaves each section as it was
 * at some save.
 */
export class Keeper {
  readonly ledger = new Ledger();
  readonly #input: KeeperInput;
  readonly #packer = new RowPacker();
  /** To be settled when the transaction that is being put together is committed. */
  #settling: (() => void)[] = [];
  #transactionBytes = 0;
  /** Words that the save leans on, and those of them that its open transaction has. */
  #wordsInUse = new Set<Attestation>();
  /** Names of the sections that the save writes over or removes. */
  #leaving = new Set<string>();
  #wordsInTransaction = new Set<Attestation>();

  constructor(input: KeeperInput) {
    this.#input = input;
  }

  /** What is to be written now, in pieces. Each costs a few milliseconds at most. */
  *save(time: SaveTime): Generator<SaveStep> {
    // What an earlier save left behind was not committed.
    this.#packer.take();
    this.#settling = [];
    this.#transactionBytes = 0;
    this.#wordsInUse = new Set();
    this.#leaving = new Set();
    this.#wordsInTransaction = new Set();
    this.#orders();
    const places = new Set<string>();
    for (const holdings of [...this.#input.state.holdings()]) {
      for (const place of placesOf(holdings)) {
        places.add(place.name);
        const capture = this.#capture(place);
        if (capture === undefined) continue;
        yield* this.#section(capture, time);
        if (this.#transactionBytes + this.#packer.bytes < STORAGE_TRANSACTION_BYTES) continue;
        yield this.#piece(true);
      }
    }
    for (const kept of this.ledger.places()) if (!places.has(kept.name)) this.#drop(kept);
    for (const slot of this.ledger.waste()) this.#dropSlot(slot);
    this.#regions(time);
    this.#source();
    this.#unusedWords();
    if (this.#settling.length > 0 || this.#packer.rows > 0) yield this.#piece(true);
  }

  #piece(endsTransaction: boolean): SaveStep {
    const { rows } = this.#packer;
    const packed = this.#packer.take();
    this.#transactionBytes += packed.length;
    if (!endsTransaction) return { packed, rows, committed: undefined };
    const settling = this.#settling;
    this.#settling = [];
    this.#transactionBytes = 0;
    this.#wordsInTransaction = new Set();
    return {
      packed,
      rows,
      committed: () => {
        for (const settle of settling) settle();
      },
    };
  }

  #orders(): void {
    const { state } = this.#input;
    for (const order of state.orders()) {
      if (this.ledger.orders.get(orderName(order)) === order) continue;
      this.#packer.add("put", namedKey("order", order.kind, order.region), encodeKeptOrder(order));
      this.#settling.push(() => this.ledger.orders.set(orderName(order), order));
    }
  }

  /** What of a section isn't on disk; undefined when all is. */
  #capture(place: Place): Capture | undefined {
    const { held, before } = place;
    const section = held?.section ?? before?.section;
    if (section === undefined) return undefined;
    const { state, freshness } = this.#input;
    const word = held === undefined ? before?.word : state.words.of(section.id);
    const asOfMs = freshness.asOf(section);
    const kept = this.ledger.get(place.name);
    const floor = held?.floor ?? section.version.revision;
    const base = { place, section, word, floor, gaps: held?.recency.gaps ?? [], asOfMs };
    if (kept?.section === section) {
      const isSame = kept.word === word && kept.floor === floor && !isOlder(kept.asOfMs, asOfMs);
      return isSame ? undefined : { ...base, rows: [], isAnew: false };
    }
    if (held !== undefined && kept !== undefined && canGoOn(held, kept.section.version)) {
      const rows = held.recency.rowsSince(kept.section.version.revision);
      return { ...base, rows, isAnew: false };
    }
    const rows = held?.recency.rowsSince(-1) ?? rowsOf(section);
    return { ...base, rows, isAnew: true };
  }

  *#section(capture: Capture, time: SaveTime): Generator<SaveStep> {
    const { place, section, word, floor, gaps, asOfMs, rows, isAnew } = capture;
    this.#leaving.add(place.name);
    const kept = this.ledger.get(place.name);
    const slot = kept?.slot ?? this.ledger.newSlot();
    const goneAt = isAnew || kept === undefined ? new Map<string, number>() : kept.goneAt;
    const changed = new Map<string, number | undefined>();
    if (isAnew && kept !== undefined) this.#packer.add("remove-all", numberedKey("group", slot));
    let inStep = 0;
    for (const { key, leaf, changedAt } of rows) {
      this.#packer.add(
        "put",
        groupRowKey(slot, key),
        encodeKeptGroup({ changedAt, cells: leaf?.cells }),
      );
      if (leaf === undefined) changed.set(key, changedAt);
      else if (goneAt.has(key)) changed.set(key, undefined);
      if (++inStep < STORAGE_STEP_GROUPS && this.#packer.bytes < STORAGE_STEP_BYTES) continue;
      inStep = 0;
      yield this.#piece(false);
    }
    // Nobody can be told of what went before the floor.
    for (const [key, at] of goneAt) {
      if (at > floor) continue;
      if (!changed.has(key)) this.#packer.add("remove", groupRowKey(slot, key));
      changed.set(key, changed.get(key));
    }
    const number = word === undefined ? 0 : this.#word(word);
    const { id, version, root, schema } = section;
    const isBefore = place.held === undefined;
    const age = markOf(asOfMs, time);
    this.#packer.add(
      "put",
      numberedKey("section", slot),
      encodeKeptSection({ id, version, root, schema, isBefore, floor, gaps, word: number, age }),
    );
    this.#settling.push(() => {
      for (const [key, at] of changed) {
        goneAt.delete(key);
        if (at !== undefined && at > floor) goneAt.set(key, at);
      }
      this.ledger.set({ name: place.name, slot, section, word, floor, asOfMs, goneAt });
    });
  }

  /** The number of a word's row, which is written if it isn't there. */
  #word(word: Attestation): number {
    this.#wordsInUse.add(word);
    const number = this.ledger.numberOf(word);
    if (this.ledger.words.has(word) || this.#wordsInTransaction.has(word)) return number;
    this.#wordsInTransaction.add(word);
    this.#packer.add("put", numberedKey("word", number), encodeKeptWord(word));
    this.#settling.push(() => this.ledger.words.set(word, number));
    return number;
  }

  #drop(kept: KeptPlace): void {
    this.#leaving.add(kept.name);
    this.#dropSlot(kept.slot);
    this.#settling.push(() => this.ledger.delete(kept.name));
  }

  #dropSlot(slot: number): void {
    this.#packer.add("remove-all", numberedKey("group", slot));
    this.#packer.add("remove", numberedKey("section", slot));
    this.#settling.push(() => this.ledger.dropped(slot));
  }

  /** Confirmations come last: they hold for sections that are at least as far. */
  #regions(time: SaveTime): void {
    const { state, freshness } = this.#input;
    const { regions } = this.ledger;
    const names = new Set<string>();
    for (const { region, evidence } of state.holdings()) {
      names.add(region);
      const conflict = [...evidence];
      const newest = freshness.newest(region);
      const kept = regions.get(region);
      const isSame =
        kept !== undefined &&
        kept.confirmed?.incarnation.nonce === newest?.incarnation.nonce &&
        !isOlder(kept.confirmed?.asOfMs, newest?.asOfMs) &&
        kept.conflict.length === conflict.length &&
        kept.conflict.every((word, i) => word === conflict[i]);
      if (isSame) continue;
      const age = markOf(newest?.asOfMs, time);
      const confirmed = newest === undefined || age === undefined ? undefined : { ...newest, age };
      this.#packer.add(
        "put",
        namedKey("region", region),
        encodeKeptRegion({ region, conflict, confirmed }),
      );
      this.#settling.push(() => regions.set(region, { conflict, confirmed: newest }));
    }
    for (const region of regions.keys()) {
      if (names.has(region)) continue;
      this.#packer.add("remove", namedKey("region", region));
      this.#settling.push(() => regions.delete(region));
    }
  }

  #source(): void {
    const source = this.#input.source();
    const { source: kept } = this.ledger;
    if (source === undefined) return;
    const isSame =
      kept?.incarnation.nonce === source.incarnation.nonce &&
      kept.revision === source.revision &&
      kept.lineage?.nonce === source.lineage?.nonce;
    if (isSame) return;
    this.#packer.add("put", namedKey("source"), encodeKeptSource(source));
    this.#settling.push(() => {
      this.ledger.source = source;
    });
  }

  /** Words that nothing leans on any more. What does not has been written by now. */
  #unusedWords(): void {
    for (const [word, number] of this.ledger.unusedWords(this.#wordsInUse, this.#leaving)) {
      this.#packer.add("remove", numberedKey("word", number));
      this.#settling.push(() => this.ledger.words.delete(word));
    }
  }
}

function* placesOf({ region, held, superseded }: RegionHoldings): Generator<Place> {
  for (const [summary, own] of held) {
    yield { name: `${region}\n${summary}`, held: own, before: undefined };
  }
  for (const [summary, before] of superseded) {
    yield { name: `${region}\n${summary}\nbefore`, held: undefined, before };
  }
}

/** Whether what changed in a section since a version of it can be told. */
function canGoOn({ section, recency }: HeldSection, version: Version): boolean {
  return sameLine(version, section.version) && recency.canTellFrom(version.revision);
}

function orderName({ kind, region }: Order): string {
  return `${kind}\n${region}`;
}

function rowsOf({ content, version }: Section): RecencyRow[] {
  return [...content.leaves()].map((leaf) => ({
    key: leaf.key,
    leaf,
    changedAt: version.revision,
  }));
}

/** Whether an as-of is worth to be written again. */
function isOlder(kept: number | undefined, now: number | undefined): boolean {
  if (kept === undefined || now === undefined) return kept !== now;
  return now - kept >= STORAGE_AGE_STEP_MS;
}

function markOf(asOfMs: number | undefined, time: SaveTime): AgeMark | undefined {
  if (asOfMs === undefined) return undefined;
  return { reading: time.reading, ageMs: Math.max(0, time.ageNowMs - asOfMs) };
}
