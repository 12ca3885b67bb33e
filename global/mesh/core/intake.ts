import { AtollError, errorText } from "../../../shared/errors.js";
import type { SyncResponse } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_ATTESTATIONS_PER_FRAME,
  MAX_CHUNKS_PER_FRAME,
  MAX_HEARSAY_REGIONS,
  MAX_REGIONS,
  MESH_BAD_FRAMES,
  MESH_BAD_PARTS,
} from "../../../shared/limits.js";
import type { Attestation } from "../../digest/attestation.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { Order } from "../../digest/orders.js";
import type { ReportBook } from "../../digest/report.js";
import { list } from "../../digest/wire-check.js";
import { decodeAttestation, decodeOrder } from "../../digest/wire-trust.js";
import { decodeClaims } from "../../digest/wire-version.js";
import { asOfFromEcho } from "../../view/freshness-book.js";
import type { Inlets } from "./inlets.js";
import { type Link, leadsTo } from "./link.js";
import type { Now } from "./now.js";
import type { Outlets } from "./outlets.js";
import type { MeshOutput } from "./output.js";
import { PaperIntake } from "./paper-intake.js";
import { Refusals } from "./refusals.js";
import type { RegionBook } from "./region-book.js";
import { SectionIntake } from "./section-intake.js";
import type { Standing } from "./standing.js";
import { decodeStanding } from "./wire-standing.js";

export interface IntakeInput {
  readonly home: string;
  readonly state: GlobalState;
  readonly reports: ReportBook;
  readonly book: RegionBook;
  readonly inlets: Inlets;
  readonly outlets: Outlets;
  readonly emit: (output: MeshOutput) => void;
}

/**
 * Takes what comes on this gateway's streams: checks everything, joins what holds,
 * asks again for what doesn't follow, and says aloud what it refuses. A bad part
 * costs its section, not the frame, unless most of the frame is bad; a stream with
 * nothing but bad frames is ended.
 */
export class Intake {
  readonly #input: IntakeInput;
  readonly #refusals: Refusals;
  readonly #papers: PaperIntake;
  readonly #sections: SectionIntake;
  /** Bad frames in a row, by link. */
  readonly #badFrames = new WeakMap<Link, number>();

  constructor(input: IntakeInput) {
    this.#input = input;
    this.#refusals = new Refusals(input.state, input.emit);
    const parts = { ...input, refusals: this.#refusals };
    this.#papers = new PaperIntake(parts);
    const conflicted = (region: string): void => this.#papers.conflicted(region);
    this.#sections = new SectionIntake({ ...parts, conflicted });
  }

  /** Takes a frame that follows a stream's hello. */
  take(link: Link, frame: SyncResponse, now: Now): void {
    let bad = 0;
    /** Takes the parts one by one until too many of the frame were bad. */
    const each = <T>(parts: Iterable<T>, take: (part: T) => boolean): void => {
      for (const part of parts) {
        if (bad >= MESH_BAD_PARTS) return;
        if (!this.#guarded(link, () => take(part))) bad++;
      }
    };
    if (!this.#guarded(link, () => checkCounts(frame))) {
      this.#judge(link, true, now);
      return;
    }
    const words: Attestation[] = [];
    each(frame.attestations, (message) => {
      words.push(decodeAttestation(message, "attestations"));
      return true;
    });
    each(frame.orders, (message) => this.#papers.order(link, decodeOrder(message, "orders")));
    each(frame.chunks, (chunk) => this.#sections.chunk(link, chunk, words, now));
    each(words, (word) => this.#papers.word(link, word));
    each(frame.reports, (signed) => this.#papers.report(link, signed, now));
    each([frame], () => this.#standings(link, frame, now));
    each([frame], () => this.#claims(link, frame, now));
    this.#judge(link, bad > 0, now);
  }

  /** Takes an operator's order, and passes it on when it is news. */
  obey(order: Order): ReturnType<GlobalState["obey"]> {
    return this.#papers.obey(order);
  }

  /** False when it said so or threw; what was thrown is said aloud. */
  #guarded(link: Link, take: () => boolean): boolean {
    try {
      return take();
    } catch (error) {
      const id = { region: link.region, summary: "" };
      this.#refusals.say(link, "malformed", errorText(error), id);
      return false;
    }
  }

  #judge(link: Link, isBad: boolean, now: Now): void {
    const inRow = isBad ? (this.#badFrames.get(link) ?? 0) + 1 : 0;
    this.#badFrames.set(link, inRow);
    if (inRow < MESH_BAD_FRAMES) return;
    this.#badFrames.delete(link);
    this.#input.inlets.refuse(link, `it sent ${inRow} bad frames in a row`, now);
  }

  #standings(link: Link, frame: SyncResponse, now: Now): boolean {
    const stampMs = frame.echo?.stampMs;
    if (stampMs !== undefined) {
      if (!link.hasSent(stampMs)) {
        throw new AtollError("INVALID_ARGUMENT", `echo.stamp_ms: ${stampMs} was never sent`);
      }
      link.echoed(stampMs, now);
    }
    frame.standings.forEach((message, index) => {
      const standing = decodeStanding(message, `standings[${index}]`);
      this.#standing(link, standing, stampMs);
    });
    return true;
  }

  #standing(link: Link, standing: Standing, stampMs: number | undefined): void {
    const { home, book, inlets } = this.#input;
    const { region, incarnation, revision, sections, ageMs } = standing;
    const isKnown = inlets.isListed(region) || this.#input.state.region(region) !== undefined;
    if (isKnown) link.isNoHearsay(region);
    else if (!link.mayTellOf(region)) {
      const message = `standings: ${region} is one more than ${MAX_HEARSAY_REGIONS} regions that nobody knows`;
      throw new AtollError("INVALID_ARGUMENT", message);
    }
    const asOfMs =
      stampMs === undefined || ageMs === undefined ? undefined : asOfFromEcho(stampMs, ageMs);
    link.told({ ...standing, asOfMs });
    // Of a region that is not listed only its own signed word makes others hear.
    if (!isKnown || (region === home && link.region !== home)) return;
    if (asOfMs === undefined || standing.path.length === 0) return;
    const path = leadsTo(home, link, standing.path) ? [] : [home, ...standing.path];
    const isAside = !link.interest.has(region);
    const confirmation = { region, incarnation, revision, sections, asOfMs };
    book.sight({ ...confirmation, path, from: link, isAside });
  }

  /**
   * A version vector: equal versions must have equal roots. Where they don't, the peer is
   * asked for the whole section, which comes with its origin's word.
   */
  #claims(link: Link, frame: SyncResponse, now: Now): boolean {
    for (const claim of decodeClaims(frame.claims, "claims")) {
      if (this.#input.state.judge(claim) !== "differs") continue;
      this.#sections.repair(link, claim.id, "differs", now);
    }
    return true;
  }
}

/** Bounds what a frame may repeat, before any of it is looked at. Throws INVALID_ARGUMENT. */
function checkCounts(frame: SyncResponse): boolean {
  list(frame.chunks, MAX_CHUNKS_PER_FRAME, "chunks");
  list(frame.attestations, MAX_ATTESTATIONS_PER_FRAME, "attestations");
  list(frame.orders, MAX_ATTESTATIONS_PER_FRAME, "orders");
  list(frame.reports, MAX_REGIONS, "reports");
  list(frame.standings, MAX_REGIONS, "standings");
  return true;
}
