import { errorText } from "../../../shared/errors.js";
import type { Attestation } from "../../digest/attestation.js";
import type { Cell, GroupKey } from "../../digest/cell.js";
import type { WholeTransfer } from "../../digest/delta.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { Past } from "../../digest/held-section.js";
import { sectionKey } from "../../digest/section.js";
import type { FreshnessBook } from "../../view/freshness-book.js";
import { type AgeMark, asOfFromMark } from "./clock-reading.js";
import type { SaveTime } from "./keeper.js";
import type { Ledger } from "./ledger.js";
import { unpackRows } from "./packed-rows.js";
import { type RowKey, readRowKey } from "./row-keys.js";
import {
  decodeKeptGroup,
  decodeKeptOrder,
  decodeKeptRegion,
  decodeKeptSection,
  decodeKeptSource,
  decodeKeptWord,
  type KeptRegion,
  type KeptSection,
  type KeptSource,
} from "./row-values.js";

/** What was on disk and isn't taken back. */
export interface Dropped {
  /** Such as "machines of eu-west" or "an order". */
  readonly what: string;
  readonly reason: string;
}

/** What came of a restore. */
export interface Restored {
  readonly sections: number;
  readonly groups: number;
  readonly dropped: readonly Dropped[];
  /** How far the own region's store had been followed. */
  readonly source: KeptSource | undefined;
}

export interface RestorerInput {
  readonly state: GlobalState;
  readonly freshness: FreshnessBook;
  readonly ledger: Ledger;
  /** Clocks at the restore: the age clock's first, the machine's right after it. */
  readonly time: SaveTime;
}

/** A section whose groups are being read. */
interface Open {
  readonly slot: number;
  readonly kept: KeptSection;
  readonly cells: Map<GroupKey, readonly Cell[]>;
  readonly changedAt: Map<GroupKey, number>;
  readonly goneAt: Map<GroupKey, number>;
}

/** A section that is read, and why it isn't as it was written. */
interface Read extends Open {
  readonly damage: string | undefined;
}

/**
 * Takes a view back from its rows, in the order of their keys. What is read is believed no
 * more than a peer: it is joined like news, with its root computed and its origin's word
 * verified by the keys of today. What fails costs its section only.
 */
export class Restorer {
  readonly #input: RestorerInput;
  readonly #dropped: Dropped[] = [];
  readonly #words = new Map<number, Attestation>();
  readonly #regions: KeptRegion[] = [];
  readonly #sections = new Map<number, KeptSection>();
  /** Names of sections of which there is one of the definition before. */
  readonly #befores = new Set<string>();
  /** Slots with rows that aren't what was written. */
  readonly #damaged = new Map<number, string>();
  /** Sections that another one of an earlier definition goes before. */
  readonly #waiting: Read[] = [];
  /** Regions that lack a section. */
  readonly #incomplete = new Set<string>();
  #open: Open | undefined;
  #source: KeptSource | undefined;
  #joined = 0;
  #groups = 0;

  constructor(input: RestorerInput) {
    this.#input = input;
  }

  /** Takes rows. Throws nothing: what is wrong is noted. */
  take(packed: Uint8Array): void {
    for (const { operation, key, value } of unpackRows(packed)) {
      let row: RowKey | undefined;
      try {
        row = readRowKey(key);
        if (operation === "damaged") throw new Error("its checksum is wrong");
        this.#row(row, value);
      } catch (error) {
        this.#bad(row, errorText(error));
      }
    }
  }

  /** All rows were taken; `lost` says why more of them can't be read. */
  finish(lost?: string): Restored {
    if (lost !== undefined && this.#open !== undefined) this.#damaged.set(this.#open.slot, lost);
    this.#close();
    for (const slot of [...this.#sections.keys()].sort((a, b) => a - b)) this.#openSlot(slot, lost);
    for (const read of this.#waiting) this.#join(read);
    for (const kept of this.#regions) this.#region(kept);
    return {
      sections: this.#joined,
      groups: this.#groups,
      dropped: this.#dropped,
      source: this.#source,
    };
  }

  #row(row: RowKey, value: Uint8Array): void {
    const { ledger, state } = this.#input;
    switch (row.kind) {
      case "order": {
        const order = decodeKeptOrder(value);
        const outcome = state.obey(order);
        if (outcome !== "news" && outcome !== "known") throw new Error(`it is ${outcome}`);
        ledger.orders.set(`${order.kind}\n${order.region}`, order);
        return;
      }
      case "source":
        this.#source = decodeKeptSource(value);
        ledger.source = this.#source;
        return;
      case "region":
        this.#regions.push(decodeKeptRegion(value));
        return;
      case "word": {
        const word = decodeKeptWord(value);
        ledger.metWord(word, row.number);
        this.#words.set(row.number, word);
        return;
      }
      case "section": {
        const kept = decodeKeptSection(value);
        ledger.metSlot(row.number, true);
        this.#sections.set(row.number, kept);
        if (kept.isBefore) this.#befores.add(sectionKey(kept.id));
        return;
      }
      case "group":
        this.#group(row.number, row.group, value);
    }
  }

  #bad(row: RowKey | undefined, reason: string): void {
    if (row?.kind === "group") {
      this.#damaged.set(row.number, reason);
      return;
    }
    if (row?.kind === "section") this.#input.ledger.metSlot(row.number, false);
    this.#dropped.push({ what: `a row of kind ${row?.kind ?? "unknown"}`, reason });
  }

  #group(slot: number, key: GroupKey, value: Uint8Array): void {
    if (this.#open?.slot !== slot) {
      this.#close();
      this.#begin(slot);
    }
    const open = this.#open;
    if (open === undefined) return;
    const { changedAt, cells } = decodeKeptGroup(value, open.kept.schema.measures.length);
    if (cells === undefined) {
      open.goneAt.set(key, changedAt);
    } else {
      open.cells.set(key, cells);
      open.changedAt.set(key, changedAt);
    }
  }

  #begin(slot: number): void {
    const kept = this.#sections.get(slot);
    if (kept === undefined) {
      // Its section's row is gone or damaged, which was said.
      this.#input.ledger.metSlot(slot, false);
      return;
    }
    this.#sections.delete(slot);
    this.#open = { slot, kept, cells: new Map(), changedAt: new Map(), goneAt: new Map() };
  }

  /** A section without groups; of one that has lost its groups the root says so. */
  #openSlot(slot: number, lost: string | undefined): void {
    this.#begin(slot);
    if (lost !== undefined) this.#damaged.set(slot, lost);
    this.#close();
  }

  /** A section's groups are complete. */
  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const read = { ...open, damage: this.#damaged.get(open.slot) };
    // The one of the definition before must be here first.
    const { isBefore, id } = open.kept;
    if (!isBefore && this.#befores.has(sectionKey(id))) this.#waiting.push(read);
    else this.#join(read);
  }

  #join({ slot, kept, cells, changedAt, goneAt, damage }: Read): void {
    const { state, ledger, freshness } = this.#input;
    const { id, version, root, schema, isBefore, floor, gaps } = kept;
    const attestation = this.#words.get(kept.word);
    const whole: WholeTransfer = {
      kind: "whole",
      id,
      to: version,
      schema,
      changes: cells,
      root,
      attestation,
    };
    const past: Past = { floor: Math.min(floor, version.revision), gaps, changedAt, goneAt };
    const outcome = damage ?? this.#recall(whole, past);
    if (outcome !== undefined) {
      ledger.metSlot(slot, false);
      if (outcome === OVER) return;
      this.#incomplete.add(id.region);
      this.#dropped.push({ what: `${id.summary} of ${id.region}`, reason: outcome });
      return;
    }
    const section = state.section(id);
    if (section === undefined) return;
    const asOfMs = this.#asOf(kept.age);
    if (asOfMs !== undefined) freshness.recall(section, asOfMs);
    this.#joined++;
    this.#groups += section.content.size;
    const name = `${sectionKey(id)}${isBefore ? "\nbefore" : ""}`;
    const older = ledger.get(name);
    if (older !== undefined) ledger.metSlot(older.slot, false);
    const marks = { section, word: attestation, floor: past.floor, asOfMs, goneAt };
    ledger.set({ name, slot, ...marks });
  }

  /** Why a section isn't taken back; undefined when it is. */
  #recall(whole: WholeTransfer, past: Past): string | undefined {
    const outcome = this.#input.state.recall(whole, past);
    if (outcome.kind === "applied") return undefined;
    if (outcome.kind !== "refused") return OVER;
    const { reason, message } = outcome;
    return reason === "forgotten" || reason === "superseded" ? OVER : message;
  }

  #region({ region, conflict, confirmed }: KeptRegion): void {
    const { state, freshness, ledger } = this.#input;
    const evidence = conflict.filter((word) => state.witness(word));
    const asOfMs = this.#asOf(confirmed?.age);
    // It was confirmed for all of its sections.
    if (confirmed !== undefined && asOfMs !== undefined && !this.#incomplete.has(region)) {
      const { incarnation, revision } = confirmed;
      freshness.confirm({ region, incarnation, revision, asOfMs });
    }
    const known = confirmed && asOfMs !== undefined ? { ...confirmed, asOfMs } : undefined;
    ledger.regions.set(region, { conflict: evidence, confirmed: known });
  }

  #asOf(age: AgeMark | undefined): number | undefined {
    const { reading, ageNowMs } = this.#input.time;
    return age && asOfFromMark(age, reading, ageNowMs);
  }
}

/** It belongs to a past that is over: no loss. */
const OVER = "over";
