import { errorText } from "../../../shared/errors.js";
import type { SectionChunk } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { type Attestation, covers } from "../../digest/attestation.js";
import type { Transfer } from "../../digest/delta.js";
import { leadsFrom } from "../../digest/difference/section-difference.js";
import type { GlobalState } from "../../digest/global-state.js";
import { type SectionId, sectionKey } from "../../digest/section.js";
import { compareVersions, type Version } from "../../digest/version.js";
import { isSummaryName } from "../../digest/wire-check.js";
import { decodeVersion } from "../../digest/wire-version.js";
import type { Inlets } from "./inlets.js";
import type { Link } from "./link.js";
import type { Now } from "./now.js";
import type { Outlets } from "./outlets.js";
import type { MeshOutput } from "./output.js";
import type { Refusals } from "./refusals.js";
import type { RegionBook } from "./region-book.js";

export interface SectionIntakeInput {
  readonly state: GlobalState;
  readonly book: RegionBook;
  readonly inlets: Inlets;
  readonly outlets: Outlets;
  readonly refusals: Refusals;
  readonly emit: (output: MeshOutput) => void;
  /** Two lives of the region claim one counter, by their own word. */
  readonly conflicted: (region: string) => void;
}

/** Takes sections: puts them together, joins what holds, asks again for what doesn't follow. */
export class SectionIntake {
  readonly #input: SectionIntakeInput;

  constructor(input: SectionIntakeInput) {
    this.#input = input;
  }

  /** Takes a chunk; `words` came with it. False when it was bad. */
  chunk(link: Link, chunk: SectionChunk, words: readonly Attestation[], now: Now): boolean {
    const { refusals, state } = this.#input;
    const id = { region: chunk.region, summary: chunk.summary };
    if (!link.expects(chunk.region, now)) {
      refusals.say(link, "unsolicited", "sections of this region were not asked for", id);
      return false;
    }
    let transfer: Transfer | undefined;
    const base = link.bases.get(sectionKey(id));
    try {
      if (chunk.difference !== undefined && (base === undefined || !leadsFrom(base, chunk))) {
        this.#adrift(link, id, decodeVersion(chunk.to, "chunk.to"), now);
        return true;
      }
      transfer = link.assembler.add(chunk, base);
    } catch (error) {
      link.bases.delete(sectionKey(id));
      if (!this.#isSlander(link, id.region, now)) state.noteFault(id, errorText(error));
      refusals.say(link, "malformed", errorText(error), id);
      this.repair(link, id, "refused", now);
      return false;
    }
    if (transfer === undefined) return true;
    const claim = { id: transfer.id, version: transfer.to, root: transfer.root };
    const attestation = words.find((word) => covers(word, claim));
    return this.#join(link, { ...transfer, attestation }, now);
  }

  /** Asks a peer for a section again; the whole of it where roots differ. */
  repair(link: Link, id: SectionId, reason: "gap" | "refused" | "differs", now: Now): void {
    // What has no possible name can't be asked for, nor kept in mind.
    if (!isSummaryName(id.summary)) return;
    const { inlets, state } = this.#input;
    const isHeld = state.section(id) !== undefined;
    const isFailing = isHeld && reason === "refused" && link.failsOften(sectionKey(id));
    const isWhole = reason === "differs" || isFailing;
    if (!inlets.pull(link, id.region, [id], now, isWhole)) return;
    const event = { kind: "repair", region: id.region, from: link.address, reason } as const;
    this.#input.emit({ kind: "event", event });
  }

  /**
   * Whether what is bad may be told of a section that is well: another stream brings its
   * region, so that it is for that one to fail before the section is quarantined.
   */
  #isSlander(link: Link, region: string, now: Now): boolean {
    return link.region !== region && this.#input.inlets.isBroughtBesides(link, region, now);
  }

  /** Differences from what isn't here: the section is asked for, unless its news are known. */
  #adrift(link: Link, id: SectionId, to: Version, now: Now): void {
    const held = this.#input.state.have(id);
    if (held === undefined || compareVersions(held, to) < 0) this.repair(link, id, "gap", now);
  }

  /** The peer's next differences are from what it has brought, if that is what is here now. */
  #rebase(link: Link, { id, to, root }: Transfer): void {
    const section = this.#input.state.section(id);
    const isHere = section?.root === root && compareVersions(section.version, to) === 0;
    if (isHere) link.bases.set(sectionKey(id), section);
    else link.bases.delete(sectionKey(id));
  }

  #join(link: Link, transfer: Transfer, now: Now): boolean {
    const { state, book, outlets, refusals, emit } = this.#input;
    const outcome = state.receive(transfer, this.#isSlander(link, transfer.id.region, now));
    this.#rebase(link, transfer);
    switch (outcome.kind) {
      case "applied": {
        link.succeeded(sectionKey(transfer.id));
        const { before, section } = outcome;
        book.moved(section);
        outlets.moved(section.id, section.version, link.hello);
        emit({ kind: "moved", before, section });
        return true;
      }
      case "known":
        return true;
      case "gap":
        this.repair(link, transfer.id, "gap", now);
        return true;
      case "refused": {
        const { reason, message } = outcome;
        if (reason === "superseded" || reason === "forgotten") return true;
        if (reason === "jump") {
          // Whoever brings it is not to blame.
          refusals.say(link, reason, message, transfer.id);
          return true;
        }
        if (reason === "conflict") {
          this.#input.conflicted(transfer.id.region);
          return true;
        }
        refusals.say(link, reason, message, transfer.id);
        this.repair(link, transfer.id, "refused", now);
        return false;
      }
    }
  }
}
