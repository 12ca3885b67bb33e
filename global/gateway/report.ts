import type { StateReader } from "../digest/global-state.js";
import type { RegionReport, SummaryReport } from "../digest/report.js";
import type { SummaryStatus } from "../summary/types.js";
import type { LocalRegion } from "./local-region.js";

function summaryReport(status: SummaryStatus, text: string, fingerprint: string): SummaryReport {
  return {
    summary: status.name,
    definition: status.newestDefinition,
    text,
    fingerprint,
    error: status.error ?? "",
    refolding: status.refolding,
    matched: status.rows,
    skipped: status.skipped,
    samples: status.skippedSample,
  };
}

/** What a gateway tells of its own region's summaries; undefined before its first read. */
export function reportOf(
  region: string,
  local: LocalRegion,
  state: StateReader,
): RegionReport | undefined {
  const { incarnation, revision } = local;
  if (incarnation === undefined || !local.isLive) return undefined;
  const summaries = local.summaries().map((status) => {
    const schema = state.section({ region, summary: status.name })?.schema;
    const fingerprint = schema === undefined || schema.retired ? "" : schema.fingerprint;
    return summaryReport(status, local.texts.of(status.name), fingerprint);
  });
  const clusterId = local.clusterId ?? "";
  return { region, incarnation, revision, summaries, clusterId, intent: local.intent.now };
}

/** Sends a report only when something in it has changed, since the revision alone always does. */
export class ReportSender {
  #last = "";
  #lastNonce = "";
  #lastRevision = -1;

  /**
   * Whether a report is worth sending. One of a revision that was reported before isn't
   * yet, since receivers tell reports of one incarnation apart by their revisions.
   */
  isNews({ incarnation, revision, summaries, clusterId, intent }: RegionReport): boolean {
    const { nonce } = incarnation;
    if (nonce === this.#lastNonce && revision <= this.#lastRevision) return false;
    const text = JSON.stringify([nonce, summaries, clusterId, intent ?? ""]);
    if (text === this.#last) return false;
    this.#last = text;
    this.#lastNonce = nonce;
    this.#lastRevision = revision;
    return true;
  }
}
