import { fromBinary } from "@bufbuild/protobuf";
import { AtollError } from "../../../shared/errors.js";
import {
  RegionReportSchema,
  type SignedReport,
} from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { type Attestation, attestedRevision } from "../../digest/attestation.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { Order } from "../../digest/orders.js";
import { REFUSAL_TEXTS } from "../../digest/refusal.js";
import type { ReportBook } from "../../digest/report.js";
import { decodeReport } from "../../digest/wire-report.js";
import { decodeSignature } from "../../digest/wire-trust.js";
import type { Link } from "./link.js";
import type { Now } from "./now.js";
import type { Outlets } from "./outlets.js";
import type { MeshOutput } from "./output.js";
import type { Refusals } from "./refusals.js";
import type { RegionBook } from "./region-book.js";
import { passOnReport } from "./report-frame.js";

export interface PaperIntakeInput {
  readonly home: string;
  readonly state: GlobalState;
  readonly reports: ReportBook;
  readonly book: RegionBook;
  readonly outlets: Outlets;
  readonly refusals: Refusals;
  readonly emit: (output: MeshOutput) => void;
}

/** Takes what is said of regions besides their sections: origins' words, orders, reports. */
export class PaperIntake {
  readonly #input: PaperIntakeInput;
  /** Nonces of the conflicts that were told. */
  readonly #knownNonces = new Map<string, string>();

  constructor(input: PaperIntakeInput) {
    this.#input = input;
  }

  /**
   * An origin's word counts by itself where it is of this gateway's own region, or of a
   * life that claims the counter of another one. False when it is forged.
   */
  word(link: Link, word: Attestation): boolean {
    const { home, state, refusals, emit } = this.#input;
    const { region } = word;
    const isOwn = region === home;
    if (!isOwn && state.place(region, word.incarnation) !== "conflict") return true;
    if (isOwn && word.lineage === undefined && this.#isOldNews(word)) return true;
    const distrust = state.distrust(word);
    if (distrust !== undefined) {
      refusals.say(link, distrust, REFUSAL_TEXTS[distrust], { region, summary: "" });
      return false;
    }
    if (isOwn) emit({ kind: "event", event: { kind: "own-region", word } });
    else if (state.witness(word)) this.conflicted(region);
    return true;
  }

  /** The state has met a second claim of a counter. */
  conflicted(region: string): void {
    const register = this.#input.state.region(region);
    if (register === undefined || register.nonces.length < 2) return;
    const nonces = register.nonces.join();
    if (this.#knownNonces.get(region) === nonces) return;
    this.#knownNonces.set(region, nonces);
    const { counter } = register.incarnation;
    this.#input.emit({ kind: "event", event: { kind: "conflict", region, counter } });
    this.#input.outlets.alarm();
  }

  /** An order that a peer passes on; false when it isn't an operator's. */
  order(link: Link, order: Order): boolean {
    const outcome = this.obey(order);
    if (outcome === "news" || outcome === "known") return true;
    const id = { region: order.region, summary: "" };
    this.#input.refusals.say(link, outcome, REFUSAL_TEXTS[outcome], id);
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

  /**
   * A region's report on its summaries, which its relays pass on as it was signed. False when
   * it isn't the region's; throws INVALID_ARGUMENT when it is malformed.
   */
  report(link: Link, signed: SignedReport, now: Now): boolean {
    const { state, reports, outlets, refusals } = this.#input;
    const report = decodeReport(fromBinary(RegionReportSchema, signed.report), "reports");
    const { region } = report;
    if (!link.expects(region, now)) {
      throw new AtollError("INVALID_ARGUMENT", `reports: ${region} was not asked for`);
    }
    const signature = decodeSignature(signed, "reports");
    const distrust = state.distrustReport(region, signature, signed.report);
    if (distrust !== undefined) {
      const message = `report: ${REFUSAL_TEXTS[distrust]}`;
      refusals.say(link, distrust, message, { region, summary: "" });
      return false;
    }
    if (reports.join(report)) outlets.reported(report, passOnReport(signed));
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
}
