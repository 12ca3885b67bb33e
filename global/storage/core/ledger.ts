import type { Attestation } from "../../digest/attestation.js";
import type { GroupKey } from "../../digest/cell.js";
import type { HeldSection } from "../../digest/held-section.js";
import type { Order } from "../../digest/orders.js";
import type { Predecessor } from "../../digest/region-register.js";
import type { Section } from "../../digest/section.js";
import type { Confirmation } from "../../view/freshness-book.js";
import type { KeptSource } from "./row-values.js";

/** A section's place in the view: as it is held, or the one of the definition before. */
export interface Place {
  readonly name: string;
  readonly held: HeldSection | undefined;
  readonly before: Predecessor | undefined;
}

/** What is on disk of a section. */
export interface KeptPlace {
  readonly name: string;
  readonly slot: number;
  readonly section: Section;
  readonly word: Attestation | undefined;
  readonly floor: number;
  readonly asOfMs: number | undefined;
  /** Groups that are gone, and when. */
  readonly goneAt: Map<GroupKey, number>;
}

/** What is on disk of a region. */
export interface KeptStanding {
  readonly conflict: readonly Attestation[];
  readonly confirmed: Pick<Confirmation, "incarnation" | "asOfMs"> | undefined;
}

/** What is on disk, as far as it is known to be committed. */
export class Ledger {
  /** By kind and region. */
  readonly orders = new Map<string, Order>();
  readonly regions = new Map<string, KeptStanding>();
  /** Numbers of the words that are on disk. */
  readonly words = new Map<Attestation, number>();
  source: KeptSource | undefined;
  readonly #places = new Map<string, KeptPlace>();
  /** Slots on disk that nothing is in. */
  readonly #waste = new Set<number>();
  readonly #wordNumbers = new WeakMap<Attestation, number>();
  #lastSlot = 0;
  #lastWord = 0;

  get(name: string): KeptPlace | undefined {
    return this.#places.get(name);
  }

  set(kept: KeptPlace): void {
    this.#places.set(kept.name, kept);
  }

  delete(name: string): void {
    this.#places.delete(name);
  }

  /** All that is on disk of sections; it may be changed meanwhile. */
  places(): KeptPlace[] {
    return [...this.#places.values()];
  }

  /** A slot that nothing on disk is in. */
  newSlot(): number {
    return ++this.#lastSlot;
  }

  /** Slots on disk whose rows are to be removed. */
  waste(): number[] {
    return [...this.#waste];
  }

  /** A slot was met on disk; `isUsed` unless its rows are of no use. */
  metSlot(slot: number, isUsed: boolean): void {
    this.#lastSlot = Math.max(this.#lastSlot, slot);
    if (!isUsed) this.#waste.add(slot);
  }

  /** A slot's rows were removed. */
  dropped(slot: number): void {
    this.#waste.delete(slot);
  }

  /** A word was met on disk. */
  metWord(word: Attestation, number: number): void {
    this.#lastWord = Math.max(this.#lastWord, number);
    this.words.set(word, number);
    this.#wordNumbers.set(word, number);
  }

  /** The number that a word's row has, or is to have. */
  numberOf(word: Attestation): number {
    let number = this.#wordNumbers.get(word);
    if (number === undefined) {
      number = ++this.#lastWord;
      this.#wordNumbers.set(word, number);
    }
    return number;
  }

  /**
   * Words on disk that no section on disk leans on, nor any of `inUse`. Sections by the
   * names of `leaving` don't count: they are being written over.
   */
  unusedWords(
    inUse: ReadonlySet<Attestation>,
    leaving: ReadonlySet<string>,
  ): [word: Attestation, number: number][] {
    const used = new Set(inUse);
    for (const { name, word } of this.#places.values()) {
      if (word !== undefined && !leaving.has(name)) used.add(word);
    }
    return [...this.words].filter(([word]) => !used.has(word));
  }

  /** Nothing is on disk any more. */
  clear(): void {
    for (const map of [this.orders, this.regions, this.words, this.#places]) map.clear();
    this.#waste.clear();
    this.source = undefined;
  }
}
