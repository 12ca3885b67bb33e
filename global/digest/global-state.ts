import { assert } from "../../shared/assert.js";
import {
  MAX_REGIONS,
  MAX_SECTIONS_PER_REGION,
  QUARANTINE_AFTER_FAILURES,
} from "../../shared/limits.js";
import { leafChanges, type Prepared, prepareDelta, prepareWhole } from "./apply.js";
import { type Attestation, attestedSection } from "./attestation.js";
import { Content } from "./content.js";
import type { Publication, Transfer } from "./delta.js";
import type { HashFunction } from "./hash.js";
import { HeldSection } from "./held-section.js";
import { type Order, Orders, type Place } from "./orders.js";
import type { ClaimVerdict, Outcome, RefusalReason } from "./outcome.js";
import { jumpText, misplaced, REFUSAL_TEXTS } from "./refusal.js";
import { RegionRegister, type RegionView } from "./region-register.js";
import {
  makeSection,
  type Section,
  type SectionClaim,
  type SectionId,
  sectionKey,
} from "./section.js";
import { Attester, type Distrust, type Trust, UNSIGNED } from "./trust.js";
import {
  compareVersions,
  type Incarnation,
  sameLine,
  type Version,
  versionText,
} from "./version.js";
import { Words } from "./words.js";

/** Reading access to a state: what views and consumers need of it. */
export interface StateReader {
  regions(): Iterable<RegionView>;
  region(region: string): RegionView | undefined;
  section(id: SectionId): Section | undefined;
  /** How an incarnation of a region stands to the one that is held. */
  place(region: string, incarnation: Incarnation): Place;
  /** What a holder at `have` misses of a section; undefined when it misses nothing. */
  transferSince(id: SectionId, have: Version | undefined): Transfer | undefined;
  /** Incarnation counters up to which regions were removed for good. */
  readonly forgotten: ReadonlyMap<string, number>;
}

/** What a publication or transfer was prepared to, and from which section. */
interface Trusted extends Prepared {
  readonly base: Section | undefined;
}

/**
 * What one gateway knows of all regions: a join semilattice, so that states that were
 * told the same things are equal, whatever the order, the repetitions and the detours.
 * By region the higher incarnation stands, and by summary the higher version.
 *
 * Two things are each holder's own: what it needs to tell deltas (floors, tombstones),
 * and what it refuses (faults). A region in conflict is frozen where each holder
 * happens to stand; that it is in conflict, and with which nonces, is joined.
 *
 * Nothing is taken of a region but by its origin's word for it: what a peer says is
 * checked against the origin's signature when it was applied and before it is swapped in.
 */
export class GlobalState implements StateReader {
  /** The origins' word for what is held. */
  readonly words: Words;
  readonly #hash: HashFunction;
  readonly #registers = new Map<string, RegionRegister>();
  readonly #orders: Orders;
  readonly #attester: Attester;
  /** What this process's own fold published last, by section. */
  readonly #own = new Map<string, Section>();

  constructor(hash: HashFunction, trust: Trust = UNSIGNED) {
    this.#hash = hash;
    this.#orders = new Orders(trust);
    this.#attester = new Attester(trust);
    this.words = new Words(this.#registers, this.#attester);
  }

  get forgotten(): ReadonlyMap<string, number> {
    return this.#orders.forgotten;
  }

  /** The operators' orders that stand. */
  orders(): Iterable<Order> {
    return this.#orders.all();
  }

  /** The life of a region that an operator settled for last. */
  adopted(region: string): Order | undefined {
    return this.#orders.adopted(region);
  }

  regions(): Iterable<RegionView> {
    return this.#registers.values();
  }

  region(region: string): RegionView | undefined {
    return this.#registers.get(region);
  }

  section(id: SectionId): Section | undefined {
    return this.#held(id)?.section;
  }

  /** The version to ask repair from; undefined asks for the whole section. */
  have(id: SectionId): Version | undefined {
    const register = this.#registers.get(id.region);
    if (register === undefined || register.fault(id.summary)?.quarantined === true)
      return undefined;
    // What an operator has settled against counts for nothing.
    if (this.#orders.place(id.region, undefined, register.incarnation) !== "first")
      return undefined;
    return register.held.get(id.summary)?.section.version;
  }

  place(region: string, incarnation: Incarnation): Place {
    return this.#orders.place(region, this.#registers.get(region)?.incarnation, incarnation);
  }

  /** This state's version vector, with roots. */
  claims(): SectionClaim[] {
    const claims: SectionClaim[] = [];
    for (const register of this.#registers.values()) {
      for (const { id, version, root } of register.sections()) claims.push({ id, version, root });
    }
    return claims;
  }

  /**
   * What a holder at `have` misses of a section; undefined when it misses nothing, or
   * this state has nothing. Equal questions get the same object until it moves.
   */
  transferSince(id: SectionId, have: Version | undefined): Transfer | undefined {
    return this.#held(id)?.transferSince(have);
  }

  /** Joins what a peer sent. Nothing moves unless the claimed root comes out. */
  receive(transfer: Transfer): Outcome {
    return this.#join(transfer, undefined);
  }

  /**
   * Joins what this process's own fold says. It is kept apart from what siblings of
   * the same region say, so that their errors don't pass for this fold's content.
   */
  publish(publication: Publication): Outcome {
    const { id, to, from, schema } = publication;
    const key = sectionKey(id);
    const last = this.#own.get(key);
    const base = from === undefined ? undefined : last;
    assert(
      from === undefined ||
        (base !== undefined && sameLine(base.version, to) && base.version.revision === from),
      () => `a fold of ${id.summary} goes on from ${from} but published ${last?.version.revision}`,
    );
    const changes = leafChanges(publication.changes, this.#held(id)?.recency, this.#hash);
    const content = (base?.content ?? Content.empty(this.#hash)).with(changes);
    const section = makeSection(id, to, schema, content, this.#hash);
    this.#own.set(key, section);
    if (base !== undefined && from !== undefined) {
      const { root } = section;
      const delta: Transfer = { kind: "delta", id, to, from, changes: publication.changes, root };
      const outcome = this.#join(delta, { base, section, changes });
      if (
        outcome.kind !== "gap" &&
        !(outcome.kind === "refused" && outcome.reason === "bad-root")
      ) {
        return outcome;
      }
    }
    const whole = new HeldSection(section).transferSince(undefined);
    assert(whole !== undefined, "a section can be told whole");
    return this.#join(whole, { base: undefined, section, changes: [] });
  }

  /**
   * Compares a peer's claim with what is held, and tells whether to pull. It is only the
   * peer's own word, so nothing is quarantined or frozen for it.
   */
  judge({ id, version, root }: SectionClaim): ClaimVerdict {
    const register = this.#registers.get(id.region);
    const place = this.place(id.region, version.incarnation);
    if (place === "superseded") return "older";
    if (place === "conflict") {
      const isKnown = register?.nonces.includes(version.incarnation.nonce) === true;
      return isKnown ? "refused" : "differs";
    }
    if (place === "forgotten" || place === "jump" || (place === "same" && register?.inConflict)) {
      return "refused";
    }
    const held = register?.held.get(id.summary)?.section;
    if (place !== "same" || held === undefined) return "newer";
    const order = compareVersions(version, held.version);
    if (order !== 0) return order > 0 ? "newer" : "older";
    return held.root === root ? "same" : "differs";
  }

  /** Why an attestation doesn't count; undefined when it is its origin's word. */
  distrust(word: Attestation): Distrust | undefined {
    return this.#attester.distrust(word);
  }

  /** Takes note of a second life that claims a region's counter; true when that is news. */
  witness(word: Attestation): boolean {
    const register = this.#registers.get(word.region);
    if (register === undefined) return false;
    if (this.place(word.region, word.incarnation) !== "conflict") return false;
    if (register.nonces.includes(word.incarnation.nonce)) return false;
    return this.#attester.distrust(word) === undefined && register.witness(word);
  }

  /**
   * Takes an operator's order, kept for good. `news`: it changes what stands; `known`: it
   * doesn't; else why it isn't an operator's.
   */
  obey(order: Order): "news" | "known" | Distrust {
    if (!this.#orders.isNews(order)) return "known";
    const distrust = this.#orders.take(order);
    if (distrust !== undefined) return distrust;
    const { region, counter, nonce } = order;
    const register = this.#registers.get(region);
    if (register === undefined) return "news";
    if (order.kind === "forget") {
      if (register.incarnation.counter <= counter) this.#registers.delete(region);
    } else if (register.incarnation.nonce === nonce) {
      register.settle();
    }
    return "news";
  }

  /** Counts a frame of a section that could not even be decoded. */
  noteFault(id: SectionId, message: string): void {
    const register = this.#registers.get(id.region);
    if (register?.held.has(id.summary) === true) this.#fail(register, id.summary, message, false);
  }

  #held(id: SectionId): HeldSection | undefined {
    return this.#registers.get(id.region)?.held.get(id.summary);
  }

  /** Why a transfer isn't its origin's word; the own fold's needs none. */
  #distrust(transfer: Transfer, trusted: Trusted | undefined): Distrust | undefined {
    if (trusted !== undefined) return undefined;
    const { id, to: version, root, attestation } = transfer;
    return this.#attester.distrustOf({ id, version, root }, attestation);
  }

  /** The origin's word for a transfer; made up where nobody signs. */
  #wordFor({ id, to, root, attestation }: Transfer): Attestation {
    if (attestation !== undefined) return attestation;
    const sections = [attestedSection({ id, version: to, root })];
    const { incarnation } = to;
    return this.#attester.sign({ region: id.region, incarnation, sections, lineage: undefined });
  }

  #join(transfer: Transfer, trusted: Trusted | undefined): Outcome {
    const { id, to } = transfer;
    let register = this.#registers.get(id.region);
    const place = this.place(id.region, to.incarnation);
    switch (place) {
      case "forgotten":
      case "superseded":
        return misplaced(transfer, place);
      case "conflict": {
        const distrust = this.#distrust(transfer, trusted);
        if (distrust !== undefined) return this.#refuse(register, id, distrust);
        register?.witness(this.#wordFor(transfer));
        return misplaced(transfer, place);
      }
      case "jump": {
        if (trusted !== undefined) break;
        const distrust = this.#distrust(transfer, trusted);
        return this.#refuse(register, id, distrust ?? place, jumpText(register, to.incarnation));
      }
      case "same":
        if (register?.inConflict === true) return misplaced(transfer, "conflict");
        break;
      case "first":
      case "later":
    }
    // Another life begins a register of its own.
    if (place !== "same") register = undefined;
    const held = register?.held.get(id.summary);
    if (register !== undefined && held !== undefined) {
      const order = compareVersions(to, held.section.version);
      if (order === 0 && held.section.root !== transfer.root) {
        const distrust = this.#distrust(transfer, trusted);
        return this.#refuse(register, id, distrust ?? "divergence");
      }
      if (order <= 0) return { kind: "known" };
    }
    const prepared = this.#prepare(transfer, register, held, trusted);
    if (prepared === "gap") return { kind: "gap", have: this.have(id) };
    if (typeof prepared === "string") return this.#refuse(register, id, "invalid", prepared);
    if (prepared.section.root !== transfer.root) {
      const message = `the content at ${versionText(to)} has another root than the one claimed`;
      return this.#refuse(register, id, "bad-root", message);
    }
    const distrust = this.#distrust(transfer, trusted);
    if (distrust !== undefined) return this.#refuse(register, id, distrust);
    const word = trusted === undefined ? this.#wordFor(transfer) : undefined;
    return this.#commit(transfer, register, held, prepared, word);
  }

  #prepare(
    transfer: Transfer,
    register: RegionRegister | undefined,
    held: HeldSection | undefined,
    trusted: Trusted | undefined,
  ): Prepared | string {
    const { id, to } = transfer;
    if (transfer.kind === "whole") {
      if (held === undefined && this.#isFull(register, id)) return "there is no room for another";
      return trusted ?? prepareWhole(held, transfer, this.#hash);
    }
    if (
      held === undefined ||
      !sameLine(held.section.version, to) ||
      held.section.version.revision < transfer.from ||
      register?.fault(id.summary)?.quarantined === true
    ) {
      return "gap";
    }
    if (trusted !== undefined && trusted.base === held.section) return trusted;
    return prepareDelta(held, transfer, this.#hash);
  }

  #commit(
    transfer: Transfer,
    register: RegionRegister | undefined,
    held: HeldSection | undefined,
    prepared: Prepared,
    word: Attestation | undefined,
  ): Outcome {
    const { id, to } = transfer;
    const before = this.section(id);
    let home = register;
    if (home === undefined) {
      home = new RegionRegister(id.region, to.incarnation);
      this.#registers.set(id.region, home);
    }
    const holder = held ?? new HeldSection(prepared.section);
    if (held === undefined) home.held.set(id.summary, holder);
    else if (transfer.kind === "whole") held.replace(prepared.section);
    else held.advance(prepared.section, prepared.changes);
    holder.word = word;
    home.faults.delete(id.summary);
    this.#keepPrevious(home, before, prepared.section);
    return { kind: "applied", before, section: prepared.section };
  }

  /** Keeps the last section of the definition before, until all regions agree on one. */
  #keepPrevious(register: RegionRegister, before: Section | undefined, now: Section): void {
    const { summary } = now.id;
    if (before?.schema.fingerprint === now.schema.fingerprint) return;
    if (now.schema.retired) register.superseded.delete(summary);
    else if (before !== undefined && !before.schema.retired && sameLife(before, now)) {
      register.superseded.set(summary, before);
    }
    for (const other of this.#registers.values()) {
      const schema = other.section(summary)?.schema;
      if (schema?.retired === false && schema.fingerprint !== now.schema.fingerprint) return;
    }
    for (const other of this.#registers.values()) other.superseded.delete(summary);
  }

  #isFull(register: RegionRegister | undefined, id: SectionId): boolean {
    if (register !== undefined) return register.held.size >= MAX_SECTIONS_PER_REGION;
    return !this.#registers.has(id.region) && this.#registers.size >= MAX_REGIONS;
  }

  #refuse(
    register: RegionRegister | undefined,
    id: SectionId,
    reason: RefusalReason,
    message = REFUSAL_TEXTS[reason],
  ): Outcome {
    const isProven = reason === "divergence" || reason === "jump";
    if (register?.held.has(id.summary)) this.#fail(register, id.summary, message, isProven);
    return { kind: "refused", reason, message: `${id.summary} of ${id.region}: ${message}` };
  }

  #fail(register: RegionRegister, summary: string, message: string, atOnce: boolean): void {
    const last = register.faults.get(summary);
    const failures = (last?.failures ?? 0) + 1;
    const quarantined =
      atOnce || last?.quarantined === true || failures >= QUARANTINE_AFTER_FAILURES;
    register.faults.set(summary, { failures, quarantined, message });
  }
}

function sameLife(a: Section, b: Section): boolean {
  return a.version.incarnation.nonce === b.version.incarnation.nonce;
}
