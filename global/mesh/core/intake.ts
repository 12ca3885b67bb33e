import { AtollError, errorText } from "../../../shared/errors.js";
import type { SectionChunk } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import type { SyncResponse } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_ATTESTATIONS_PER_FRAME,
  MAX_REGIONS,
  MESH_BAD_FRAMES,
} from "../../../shared/limits.js";
import { type Attestation, attestedRevision, covers } from "../../digest/attestation.js";
import type { Transfer } from "../../digest/delta.js";
import { leadsFrom } from "../../digest/difference/section-difference.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { Order } from "../../digest/orders.js";
import { REFUSAL_TEXTS } from "../../digest/refusal.js";
import type { ReportBook } from "../../digest/report.js";
import { type SectionId, sectionKey } from "../../digest/section.js";
import { compareVersions, type Version } from "../../digest/version.js";
import { list } from "../../digest/wire-check.js";
import { decodeReport } from "../../digest/wire-report.js";
import { decodeAttestation, decodeOrder } from "../../digest/wire-trust.js";
import { decodeClaims, decodeVersion } from "../../digest/wire-version.js";
import { asOfFromEcho } from "../../view/freshness-book.js";
import type { Inlets } from "./inlets.js";
import { type Link, leadsTo } from "./link.js";
import type { Now } from "./now.js";
import type { Outlets } from "./outlets.js";
import type { BadReason, MeshOutput } from "./output.js";
import type { RegionBook } from "./region-book.js";
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
 * costs its section, not the frame; a stream with nothing but bad frames is ended.
 */
export class Intake {
  readonly #input: IntakeInput;
  /** Bad frames in a row, by link. */
  readonly #bad = new WeakMap<Link, number>();

  constructor(input: IntakeInput) {
    this.#input = input;
  }

  /** Takes a frame that follows a stream's hello. */
  take(link: Link, frame: SyncResponse, now: Now): void {
    let bad = 0;
    const guard = (what: () => void): void => {
      try {
        what();
      } catch (error) {
        bad++;
        this.#refused(link, "malformed", errorText(error), { region: link.region, summary: "" });
      }
    };
    const words: Attestation[] = [];
    guard(() => {
      const max = MAX_ATTESTATIONS_PER_FRAME;
      for (const message of list(frame.attestations, max, "attestations"))
        words.push(decodeAttestation(message, "attestations"));
    });
    guard(() => {
      for (const message of list(frame.orders, MAX_ATTESTATIONS_PER_FRAME, "orders"))
        if (!this.#order(link, decodeOrder(message, "orders"))) bad++;
    });
    for (const chunk of frame.chunks) if (!this.#chunk(link, chunk, words, now)) bad++;
    for (const word of words) if (!this.#word(link, word)) bad++;
    for (const message of frame.reports) {
      guard(() => {
        const report = decodeReport(message, "reports");
        if (!link.expects(report.region, now)) {
          throw new AtollError("INVALID_ARGUMENT", `reports: ${report.region} was not asked for`);
        }
        if (this.#input.reports.join(report)) this.#input.outlets.reported(report.region);
      });
    }
    guard(() => this.#standings(link, frame, now));
    guard(() => this.#claims(link, frame, now));
    if (bad === 0) {
      this.#bad.delete(link);
      return;
    }
    const inRow = (this.#bad.get(link) ?? 0) + 1;
    this.#bad.set(link, inRow);
    if (inRow < MESH_BAD_FRAMES) return;
    this.#bad.delete(link);
    this.#input.inlets.refuse(link, `it sent ${inRow} bad frames in a row`, now);
  }

  /** Takes a chunk; false when it was bad. */
  #chunk(link: Link, chunk: SectionChunk, words: readonly Attestation[], now: Now): boolean {
    const id = { region: chunk.region, summary: chunk.summary };
    if (!link.expects(chunk.region, now)) {
      const message = `sections of ${JSON.stringify(chunk.region)} were not asked for`;
      this.#refused(link, "unsolicited", message, id);
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
      this.#input.state.noteFault(id, errorText(error));
      this.#refused(link, "malformed", errorText(error), id);
      this.#repair(link, id, "refused", now);
      return false;
    }
    if (transfer === undefined) return true;
    const claim = { id: transfer.id, version: transfer.to, root: transfer.root };
    const attestation = words.find((word) => covers(word, claim));
    return this.#join(link, { ...transfer, attestation }, now);
  }

  /** Differences from what isn't here: the section is asked for, unless its news are known. */
  #adrift(link: Link, id: SectionId, to: Version, now: Now): void {
    const held = this.#input.state.have(id);
    if (held === undefined || compareVersions(held, to) < 0) this.#repair(link, id, "gap", now);
  }

  /** The peer's next differences are from what it has brought, if that is what is here now. */
  #rebase(link: Link, { id, to, root }: Transfer): void {
    const section = this.#input.state.section(id);
    const isHere = section?.root === root && compareVersions(section.version, to) === 0;
    if (isHere) link.bases.set(sectionKey(id), section);
    else link.bases.delete(sectionKey(id));
  }

  #join(link: Link, transfer: Transfer, now: Now): boolean {
    const outcome = this.#input.state.receive(transfer);
    this.#rebase(link, transfer);
    switch (outcome.kind) {
      case "applied": {
        const { before, section } = outcome;
        this.#input.book.moved(section);
        this.#input.outlets.moved(section.id, section.version, link.hello);
        this.#input.emit({ kind: "moved", before, section });
        return true;
      }
      case "known":
        return true;
      case "gap":
        this.#repair(link, transfer.id, "gap", now);
        return true;
      case "refused": {
        const { reason, message } = outcome;
        if (reason === "superseded" || reason === "forgotten") return true;
        if (reason === "jump") {
          // Whoever brings it is not to blame.
          this.#refused(link, reason, message, transfer.id);
          return true;
        }
        if (reason === "conflict") {
          this.#conflicted(transfer.id.region);
          return true;
        }
        this.#refused(link, reason, message, transfer.id);
        this.#repair(link, transfer.id, "refused", now);
        return false;
      }
    }
  }

  #standings(link: Link, frame: SyncResponse, now: Now): void {
    const stampMs = frame.echo?.stampMs;
    if (stampMs !== undefined) {
      if (!(stampMs <= now.ageMs)) {
        throw new AtollError("INVALID_ARGUMENT", `echo.stamp_ms: ${stampMs} was never sent`);
      }
      link.echoed(stampMs, now);
    }
    const { home } = this.#input;
    list(frame.standings, MAX_REGIONS, "standings").forEach((message, index) => {
      const standing = decodeStanding(message, `standings[${index}]`);
      const { region, incarnation, revision, sections, ageMs } = standing;
      const asOfMs =
        stampMs === undefined || ageMs === undefined ? undefined : asOfFromEcho(stampMs, ageMs);
      link.told({ ...standing, asOfMs });
      if (region === home && link.region !== home) return;
      if (asOfMs === undefined || standing.path.length === 0) return;
      const path = leadsTo(home, link, standing.path) ? [] : [home, ...standing.path];
      const isAside = !link.interest.has(region);
      const confirmation = { region, incarnation, revision, sections, asOfMs };
      this.#input.book.sight({ ...confirmation, path, from: link, isAside });
    });
  }

  /**
   * A version vector: equal versions must have equal roots. Where they don't, the peer is
   * asked for the whole section, which comes with its origin's word.
   */
  #claims(link: Link, frame: SyncResponse, now: Now): void {
    for (const claim of decodeClaims(frame.claims, "claims")) {
      if (this.#input.state.judge(claim) !== "differs") continue;
      this.#repair(link, claim.id, "differs", now);
    }
  }

  /**
   * An origin's word counts by itself where it is of this gateway's own region, or of a
   * life that claims the counter of another one. False when it is forged.
   */
  #word(link: Link, word: Attestation): boolean {
    const { home, state } = this.#input;
    const { region } = word;
    if (region !== home) {
      if (state.witness(word)) this.#conflicted(region);
      return true;
    }
    if (word.lineage === undefined && this.#isOldNews(word)) return true;
    const distrust = state.distrust(word);
    if (distrust !== undefined) {
      this.#refused(link, distrust, REFUSAL_TEXTS[distrust], { region, summary: "" });
      return false;
    }
    this.#input.emit({ kind: "event", event: { kind: "own-region", word } });
    return true;
  }

  /** Whether this gateway holds as much of its own region as a peer's word for it says. */
  #isOldNews(word: Attestation): boolean {
    const register = this.#input.state.region(word.region);
    if (register?.incarnation.nonce !== word.incarnation.nonce) return false;
    const revision = attestedRevision(word);
    for (const { version } of register.sections()) if (version.revision >= revision) return true;
    return false;
  }

  /** The state has met a second claim of a counter. */
  #conflicted(region: string): void {
    const register = this.#input.state.region(region);
    if (register === undefined || register.nonces.length < 2) return;
    const known = this.#knownNonces.get(region);
    const nonces = register.nonces.join();
    if (known === nonces) return;
    this.#knownNonces.set(region, nonces);
    this.#alarm(region, register.incarnation.counter);
  }

  readonly #knownNonces = new Map<string, string>();

  #alarm(region: string, counter: number): void {
    this.#input.emit({ kind: "event", event: { kind: "conflict", region, counter } });
    this.#input.outlets.alarm();
  }

  /** An order that a peer passes on; false when it isn't an operator's. */
  #order(link: Link, order: Order): boolean {
    const outcome = this.obey(order);
    if (outcome === "news" || outcome === "known") return true;
    this.#refused(link, outcome, REFUSAL_TEXTS[outcome], { region: order.region, summary: "" });
    return false;
  }

  /** Takes an operator's order, and passes it on when it is news. */
  obey(order: Order): ReturnType<GlobalState["obey"]> {
    const { state, reports, book, emit, outlets } = this.#input;
    const outcome = state.obey(order);
    if (outcome !== "news") return outcome;
    const { kind, region, counter } = order;
    if (kind === "forget") reports.forget(region, counter);
    if (state.region(region) === undefined) book.forget(region);
    emit({ kind: "event", event: { kind: "order", order } });
    outlets.alarm();
    return outcome;
  }

  #repair(link: Link, id: SectionId, reason: "gap" | "refused" | "differs", now: Now): void {
    const isWhole = reason === "differs";
    if (!this.#input.inlets.pull(link, id.region, [id], now, isWhole)) return;
    const event = { kind: "repair", region: id.region, from: link.address, reason } as const;
    this.#input.emit({ kind: "event", event });
  }

  #refused(link: Link, reason: BadReason, message: string, { region, summary }: SectionId): void {
    const quarantined = this.#input.state.region(region)?.fault(summary)?.quarantined === true;
    const from = link.hello === undefined ? link.address : `${link.region}/${link.hello.gateway}`;
    this.#input.emit({
      kind: "event",
      event: { kind: "refused", reason, message, from, region, summary, quarantined },
    });
  }
}
