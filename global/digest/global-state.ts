import { assert } from "../../shared/assert.js";
import {
  MAX_REGIONS,
  MAX_SECTIONS_PER_REGION,
  QUARANTINE_AFTER_FAILURES,
} from "../../shared/limits.js";
import { leafChanges, type Prepared, prepareDelta, prepareWhole } from "./apply.js";
import { Content } from "./content.js";
import type { Publication, SectionClaim, Transfer } from "./delta.js";
import type { HashFunction } from "./hash.js";
import { HeldSection } from "./held-section.js";
import type { ClaimVerdict, Outcome, RefusalReason } from "./outcome.js";
import { RegionRegister, type RegionView } from "./region-register.js";
import { makeSection, type Section, type SectionId, sectionKey } from "./section.js";
import { compareVersions, sameLine, type Version, versionText } from "./version.js";

/** Reading access to a state: what views and consumers need of it. */
export interface StateReader {
  regions(): Iterable<RegionView>;
  region(region: string): RegionView | undefined;
  section(id: SectionId): Section | undefined;
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
 */
export class GlobalState implements StateReader {
  readonly #hash: HashFunction;
  readonly #registers = new Map<string, RegionRegister>();
  readonly #forgotten = new Map<string, number>();
  /** What this process's own fold published last, by section. */
  readonly #own = new Map<string, Section>();

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  get forgotten(): ReadonlyMap<string, number> {
    return this.#forgotten;
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
    if (register?.fault(id.summary)?.quarantined === true) return undefined;
    return register?.held.get(id.summary)?.section.version;
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
   * Takes note of a peer's claim, and tells whether to pull. Equal versions with
   * unequal roots quarantine the section.
   */
  judge(claim: SectionClaim): ClaimVerdict {
    const { id, version } = claim;
    const refusal = this.#admit(id.region, version);
    if (refusal !== undefined) return refusal === "superseded" ? "older" : "refused";
    const register = this.#registers.get(id.region);
    const held = register?.held.get(id.summary)?.section;
    if (register === undefined || held === undefined) return "newer";
    if (version.incarnation.counter > register.incarnation.counter) return "newer";
    const order = compareVersions(version, held.version);
    if (order !== 0) return order > 0 ? "newer" : "older";
    return this.#diverges(register, held, claim.root) ? "refused" : "same";
  }

  /** Joins news of a conflict; true when it was news. */
  noteConflict(region: string, counter: number, nonces: readonly string[]): boolean {
    const register = this.#registers.get(region);
    if (register?.incarnation.counter !== counter) return false;
    return register.addNonces(nonces);
  }

  /** Removes a region for good up to an incarnation counter; true when that was news. */
  forget(region: string, counter: number): boolean {
    if (counter <= (this.#forgotten.get(region) ?? 0)) return false;
    this.#forgotten.set(region, counter);
    const register = this.#registers.get(region);
    if (register !== undefined && register.incarnation.counter <= counter) {
      this.#registers.delete(region);
    }
    return true;
  }

  /** Counts a frame of a section that could not even be decoded. */
  noteFault(id: SectionId, message: string): void {
    const register = this.#registers.get(id.region);
    if (register?.held.has(id.summary) === true) this.#fail(register, id.summary, message, false);
  }

  #held(id: SectionId): HeldSection | undefined {
    return this.#registers.get(id.region)?.held.get(id.summary);
  }

  /** Whether the region's history has a place for this version; notes conflicts. */
  #admit(region: string, version: Version): RefusalReason | undefined {
    const { incarnation } = version;
    if (incarnation.counter <= (this.#forgotten.get(region) ?? 0)) return "forgotten";
    const register = this.#registers.get(region);
    if (register === undefined) return undefined;
    if (incarnation.counter < register.incarnation.counter) return "superseded";
    register.witness(incarnation);
    if (incarnation.counter === register.incarnation.counter && register.inConflict) {
      return "conflict";
    }
    return undefined;
  }

  #join(transfer: Transfer, trusted: Trusted | undefined): Outcome {
    const { id, to } = transfer;
    const refusal = this.#admit(id.region, to);
    if (refusal !== undefined) {
      return refused(refusal, `${id.region} at ${versionText(to)}: ${REFUSAL_TEXTS[refusal]}`);
    }
    let register = this.#registers.get(id.region);
    if (register !== undefined && to.incarnation.counter > register.incarnation.counter) {
      register = undefined;
    }
    const held = register?.held.get(id.summary);
    if (register !== undefined && held !== undefined) {
      const order = compareVersions(to, held.section.version);
      if (order === 0 && this.#diverges(register, held.section, transfer.root)) {
        return refused("divergence", `${id.summary} of ${id.region}: ${DIVERGENCE_TEXT}`);
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
    return this.#commit(transfer, register, held, prepared);
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
  ): Outcome {
    const { id, to } = transfer;
    const before = this.section(id);
    let home = register;
    if (home === undefined) {
      home = new RegionRegister(id.region, to.incarnation);
      this.#registers.set(id.region, home);
    }
    if (held === undefined) home.held.set(id.summary, new HeldSection(prepared.section));
    else if (transfer.kind === "whole") held.replace(prepared.section);
    else held.advance(prepared.section, prepared.changes);
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

  #diverges(register: RegionRegister, held: Section, root: string): boolean {
    if (held.root === root) return false;
    this.#fail(register, held.id.summary, DIVERGENCE_TEXT, true);
    return true;
  }

  #refuse(
    register: RegionRegister | undefined,
    id: SectionId,
    reason: RefusalReason,
    message: string,
  ): Outcome {
    if (register !== undefined) this.#fail(register, id.summary, message, false);
    return refused(reason, `${id.summary} of ${id.region}: ${message}`);
  }

  #fail(register: RegionRegister, summary: string, message: string, atOnce: boolean): void {
    const last = register.faults.get(summary);
    const failures = (last?.failures ?? 0) + 1;
    const quarantined =
      atOnce || last?.quarantined === true || failures >= QUARANTINE_AFTER_FAILURES;
    register.faults.set(summary, { failures, quarantined, message });
  }
}

const DIVERGENCE_TEXT = "equal versions have unequal roots";

const REFUSAL_TEXTS: Readonly<Record<RefusalReason, string>> = {
  conflict: "two incarnations claim one counter; the region is frozen",
  forgotten: "the region was removed for good",
  superseded: "the region is known in a later incarnation",
  divergence: DIVERGENCE_TEXT,
  "bad-root": "the root is another than the one claimed",
  invalid: "the content is not valid",
};

function sameLife(a: Section, b: Section): boolean {
  return a.version.incarnation.nonce === b.version.incarnation.nonce;
}

function refused(reason: RefusalReason, message: string): Outcome {
  return { kind: "refused", reason, message };
}
