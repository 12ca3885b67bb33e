import { MAX_REGIONS, MAX_SECTIONS_PER_REGION } from "../../shared/limits.js";
import { type Prepared, prepareDelta, prepareWhole } from "./apply.js";
import { type Attestation, attestedSection } from "./attestation.js";
import type { Content } from "./content.js";
import { isInGap, type Transfer } from "./delta.js";
import type { HashFunction } from "./hash.js";
import { HeldSection } from "./held-section.js";
import type { Orders } from "./orders.js";
import type { Outcome, RefusalReason } from "./outcome.js";
import type { Predecessors } from "./predecessors.js";
import { jumpText, misplaced, REFUSAL_TEXTS } from "./refusal.js";
import { RegionRegister } from "./region-register.js";
import type { Section, SectionId } from "./section.js";
import type { Attester, Distrust } from "./trust.js";
import { compareVersions, sameLine, type Version, versionText } from "./version.js";

/** What this process's own fold has made of a transfer already, and from which section. */
export interface Trusted extends Prepared {
  readonly base: Section | undefined;
}

/** The parts of a state that a join reads and moves. */
export interface JoinParts {
  readonly hash: HashFunction;
  readonly registers: Map<string, RegionRegister>;
  readonly orders: Orders;
  readonly attester: Attester;
  readonly predecessors: Predecessors;
}

/**
 * The join of a state with one transfer: where it belongs, whether it follows, whether
 * the claimed root comes out and its origin says so. Only then does anything move.
 */
export class Join {
  readonly #hash: HashFunction;
  readonly #registers: Map<string, RegionRegister>;
  readonly #orders: Orders;
  readonly #attester: Attester;
  readonly #predecessors: Predecessors;

  constructor({ hash, registers, orders, attester, predecessors }: JoinParts) {
    this.#hash = hash;
    this.#registers = registers;
    this.#orders = orders;
    this.#attester = attester;
    this.#predecessors = predecessors;
  }

  /**
   * Joins a transfer. `trusted` is given for the own fold's: it was made here, so it
   * needs nobody's word. What is refused is a fault of the section unless `isSlander` says
   * that it may be that of who brought it; what its origin has signed always is.
   */
  take(transfer: Transfer, trusted: Trusted | undefined, isSlander = false): Outcome {
    const { id, to } = transfer;
    const refuse = (of: RegionRegister | undefined, reason: RefusalReason, message?: string) =>
      this.#refuse(of, id, reason, isSlander, message);
    let register = this.#registers.get(id.region);
    const place = this.#orders.place(id.region, register?.incarnation, to.incarnation);
    switch (place) {
      case "forgotten":
      case "superseded":
        return misplaced(transfer, place);
      case "conflict": {
        const distrust = this.#distrust(transfer, trusted);
        if (distrust !== undefined) return refuse(register, distrust);
        register?.witness(this.#wordFor(transfer));
        return misplaced(transfer, place);
      }
      case "jump": {
        if (trusted !== undefined) break;
        const distrust = this.#distrust(transfer, trusted);
        if (distrust !== undefined) return refuse(register, distrust);
        return refuse(register, place, jumpText(register, to.incarnation));
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
        return refuse(register, distrust ?? "divergence");
      }
      if (order <= 0) return { kind: "known" };
    }
    const prepared = this.#prepare(transfer, register, held, trusted);
    if (prepared === "gap") return { kind: "gap", have: this.have(id) };
    if (typeof prepared === "string") return refuse(register, "invalid", prepared);
    if (prepared.section.root !== transfer.root) {
      const message = `the content at ${versionText(to)} has another root than the one claimed`;
      return refuse(register, "bad-root", message);
    }
    const distrust = this.#distrust(transfer, trusted);
    if (distrust !== undefined) return refuse(register, distrust);
    const word = trusted === undefined ? this.#wordFor(transfer) : undefined;
    return this.#commit(transfer, register, held, prepared, word);
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

  /** Since when a section with this content has had it, as far as is known here. */
  sameSince(id: SectionId, version: Version, content: Content): number | undefined {
    const register = this.#registers.get(id.region);
    if (register?.fault(id.summary) !== undefined) return undefined;
    return register?.held.get(id.summary)?.sameSince(version, content);
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

  #prepare(
    transfer: Transfer,
    register: RegionRegister | undefined,
    held: HeldSection | undefined,
    trusted: Trusted | undefined,
  ): Prepared | string {
    const { id, to } = transfer;
    if (transfer.kind === "whole") {
      if (held === undefined && this.#isFull(register, id)) return "there is no room for another";
      const since = (content: Content) => this.sameSince(id, to, content);
      return trusted ?? prepareWhole(held, transfer, this.#hash, since);
    }
    if (
      held === undefined ||
      !sameLine(held.section.version, to) ||
      held.section.version.revision < transfer.from ||
      isInGap(transfer.gap, held.section.version.revision) ||
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
    const last = this.#registers.get(id.region);
    const before = last?.section(id.summary);
    let home = register;
    if (home === undefined) {
      if (last !== undefined) this.#predecessors.gone(last);
      home = new RegionRegister(id.region, to.incarnation);
      this.#registers.set(id.region, home);
    }
    this.#predecessors.moved(home, held, prepared.section);
    const holder = held ?? new HeldSection(prepared.section);
    if (held === undefined) home.held.set(id.summary, holder);
    else if (transfer.kind === "delta") {
      held.advance(prepared.section, prepared.changes, transfer.gap);
    } else {
      held.replace(prepared.section, home.fault(id.summary) === undefined);
    }
    holder.word = word;
    home.heal(id.summary);
    return { kind: "applied", before, section: prepared.section };
  }

  #isFull(register: RegionRegister | undefined, id: SectionId): boolean {
    if (register !== undefined) return register.held.size >= MAX_SECTIONS_PER_REGION;
    return !this.#registers.has(id.region) && this.#registers.size >= MAX_REGIONS;
  }

  #refuse(
    register: RegionRegister | undefined,
    id: SectionId,
    reason: RefusalReason,
    isSlander: boolean,
    message = REFUSAL_TEXTS[reason],
  ): Outcome {
    const isProven = reason === "divergence" || reason === "jump";
    if (register?.held.has(id.summary) && (isProven || !isSlander)) {
      register.fail(id.summary, message, isProven);
    }
    return { kind: "refused", reason, message: `${id.summary} of ${id.region}: ${message}` };
  }
}
