import { create } from "@bufbuild/protobuf";
import { isIntent } from "../../shared/etcd/intent.js";
import {
  type RegionReport as RegionReportMessage,
  RegionReportSchema,
  type SummaryReport as SummaryReportMessage,
} from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  MAX_REPORT_SAMPLES,
  MAX_REPORT_TEXT_BYTES,
  MAX_SECTIONS_PER_REGION,
} from "../../shared/limits.js";
import { bytesFromHex, HASH_BYTES, hexFromBytes } from "./hash.js";
import type { RegionReport, SummaryReport } from "./report.js";
import { bytes, integer, list, regionName, summaryName, text } from "./wire-check.js";
import { decodeIncarnation, encodeIncarnation } from "./wire-version.js";

/** A report for the wire. */
export function encodeReport(report: RegionReport): RegionReportMessage {
  return create(RegionReportSchema, {
    region: report.region,
    incarnation: encodeIncarnation(report.incarnation),
    revision: BigInt(report.revision),
    summaries: report.summaries.map((summary) => ({
      summary: summary.summary,
      definition: BigInt(summary.definition),
      text: summary.text,
      fingerprint: bytesFromHex(summary.fingerprint),
      error: summary.error,
      refolding: summary.refolding,
      matched: BigInt(summary.matched),
      skipped: BigInt(summary.skipped),
      samples: summary.samples.map(({ key, reason }) => ({ key, reason })),
    })),
    clusterId: BigInt(`0x${report.clusterId || 0}`),
    intent: report.intent ?? "",
  });
}

/** Checks a report. Throws INVALID_ARGUMENT naming the field below `where`. */
export function decodeReport(message: RegionReportMessage, where: string): RegionReport {
  const summaries = list(message.summaries, MAX_SECTIONS_PER_REGION, `${where}.summaries`);
  return {
    region: regionName(message.region, `${where}.region`),
    incarnation: decodeIncarnation(message.incarnation, `${where}.incarnation`),
    revision: integer(message.revision, 0, `${where}.revision`),
    summaries: summaries.map((summary, index) =>
      decodeSummary(summary, `${where}.summaries[${index}]`),
    ),
    clusterId: message.clusterId === 0n ? "" : message.clusterId.toString(16),
    // An intent of a later release says nothing to this one.
    intent: isIntent(message.intent) ? message.intent : undefined,
  };
}

function decodeSummary(message: SummaryReportMessage, where: string): SummaryReport {
  const samples = list(message.samples, MAX_REPORT_SAMPLES, `${where}.samples`);
  const fingerprint = bytes(message.fingerprint, [0, HASH_BYTES], `${where}.fingerprint`);
  return {
    summary: summaryName(message.summary, `${where}.summary`),
    definition: integer(message.definition, 0, `${where}.definition`),
    text: text(message.text, MAX_REPORT_TEXT_BYTES, `${where}.text`),
    fingerprint: hexFromBytes(fingerprint),
    error: text(message.error, MAX_REPORT_TEXT_BYTES, `${where}.error`),
    refolding: message.refolding,
    matched: integer(message.matched, 0, `${where}.matched`),
    skipped: integer(message.skipped, 0, `${where}.skipped`),
    samples: samples.map(({ key, reason }, at) => ({
      key: text(key, MAX_REPORT_TEXT_BYTES, `${where}.samples[${at}].key`),
      reason: text(reason, MAX_REPORT_TEXT_BYTES, `${where}.samples[${at}].reason`),
    })),
  };
}
