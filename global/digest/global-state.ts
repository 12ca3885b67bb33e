import { assert } from "../../shared/assert.js";
import { leafChanges } from "./apply.js";
import type { Attestation } from "./attestation.js";
import { Content } from "./content.js";
import type { Publication, Transfer, WholeTransfer } from "./delta.js";
import type { HashFunction } from "./hash.js";
import { HeldSection, type Past } from "./held-section.js";
import { Join } from "./join.js";
import { type Order, Orders, type Place } from "./orders.js";
import type { ClaimVerdict, Outcome } from "./outcome.js";
import { Predecessors } from "./predecessors.js";
import type { RegionHoldings, RegionRegister, RegionView } from "./region-register.js";
import {
  makeSection,
  type Section,
  type SectionClaim,
  type SectionId,
  sectionKey,
} from "./section.js";
import { Attester, type Distrust, type Signature, type Trust, UNSIGNED } from "./trust.js";
import { compareVersions, type Incarnation, sameLine, type Version } from "./version.js";
import { Words } from "./words.js";

/** Reading access to a state: what views and consumers need of it. */
export interface StateReader {
  regions(): Iterable<RegionView>;
  region(region: string): RegionView | undefined;
  section(id: SectionId): Section | undefined;
  /** How an incarnation of a region stands to the one that is held. */
  place(region: string, incarnation: Incarnation): Place;
  /** Whether what changed in a section since a version is known, so that a delta can tell it. */
  canTellSince(id: SectionId, have: Version): boolean;
  /** What a holder at `have` misses of a section; undefined when it misses nothing. */
  transferSince(id: SectionId, have: Version | undefined): Transfer | undefined;
  /** Incarnation counters up to which regions were removed for good. */
  readonly forgotten: ReadonlyMap<string, number>;
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
  readonly #predecessors = new Predecessors();
  readonly #join: Join;
  /** What this process's own fold published last, by section. */
  readonly #own = new Map<string, Section>();

  constructor(hash: HashFunction, trust: Trust = UNSIGNED) {
    this.#hash = hash;
    this.#orders = new Orders(trust);
    this.#attester = new Attester(trust);
    this.#join = new Join({
      hash,
      registers: this.#registers,
      orders: this.#orders,
      attester: this.#attester,
      predecessors: this.#predecessors,
    });
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
    return this.#join.have(id);
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

  canTellSince(id: SectionId, have: Version): boolean {
    return this.#held(id)?.canTellSince(have) === true;
  }

  /**
   * What a holder at `have` misses of a section; undefined when it misses nothing, or
   * this state has nothing. Equal questions get the same object until it moves.
   */
  transferSince(id: SectionId, have: Version | undefined): Transfer | undefined {
    return this.#held(id)?.transferSince(have);
  }

  /**
   * Joins what a peer sent. Nothing moves unless the claimed root comes out. With
   * `isSlander`, what its origin hasn't signed is no fault of the section.
   */
  receive(transfer: Transfer, isSlander = false): Outcome {
    return this.#join.take(transfer, undefined, isSlander);
  }

  /**
   * Takes back a section that this gateway held before its restart. It is believed no more
   * than a peer, so its root and its origin's word are looked at as theirs are.
   */
  recall(kept: WholeTransfer, past: Past): Outcome {
    const outcome = this.#join.take(kept, undefined);
    if (outcome.kind === "applied") this.#held(kept.id)?.recall(past, this.#hash);
    return outcome;
  }

  /** What is held of all regions, with what it takes to tell others of it. */
  holdings(): Iterable<RegionHoldings> {
    return this.#registers.values();
  }

  /**
   * Joins what this process's own fold says. It is kept apart from what siblings of
   * the same region say, so that their errors don't pass for this fold's content.
   */
  publish(publication: Publication): Outcome {
    const { id, to } = publication;
    const outcome = this.#publish(publication);
    const held = this.#held(id)?.section;
    const isOwn = held !== undefined && held.root === this.#own.get(sectionKey(id))?.root;
    // Where others have told it, theirs is gone on from, so that what comes is worked out once.
    if (isOwn && compareVersions(held.version, to) === 0) this.#own.set(sectionKey(id), held);
    return outcome;
  }

  #publish(publication: Publication): Outcome {
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
    const since =
      base === undefined
        ? this.#join.sameSince(id, to, content)
        : changes.length === 0
          ? base.sameSince
          : undefined;
    const section = makeSection(id, to, schema, content, this.#hash, since);
    this.#own.set(key, section);
    if (base !== undefined && from !== undefined) {
      const { root } = section;
      const delta: Transfer = { kind: "delta", id, to, from, changes: publication.changes, root };
      const outcome = this.#join.take(delta, { base, section, changes });
      if (
        outcome.kind !== "gap" &&
        !(outcome.kind === "refused" && outcome.reason === "bad-root")
      ) {
        return outcome;
      }
    }
    const whole = new HeldSection(section).transferSince(undefined);
    assert(whole !== undefined, "a section can be told whole");
    return this.#join.take(whole, { base: undefined, section, changes: [] });
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

  /** Signs an encoded report of this gateway's own region. */
  signReport(report: Uint8Array): Signature {
    return this.#attester.signReport(report);
  }

  /** Why an encoded report isn't its region's own; undefined when it is. */
  distrustReport(region: string, signed: Signature, report: Uint8Array): Distrust | undefined {
    return this.#attester.distrustReport(region, signed, report);
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
      if (register.incarnation.counter <= counter) {
        this.#registers.delete(region);
        this.#predecessors.gone(register);
      }
    } else if (register.incarnation.nonce === nonce) {
      register.settle();
    }
    return "news";
  }

  /** Counts a frame of a section that could not even be decoded. */
  noteFault(id: SectionId, message: string): void {
    const register = this.#registers.get(id.region);
    if (register?.held.has(id.summary) === true) register.fail(id.summary, message, false);
  }

  #held(id: SectionId): HeldSection | undefined {
    return this.#registers.get(id.region)?.held.get(id.summary);
  }
}
