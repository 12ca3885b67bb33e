import { create, toBinary } from "@bufbuild/protobuf";
import { clipText } from "../../../shared/bytes.js";
import {
  RegionReportSchema,
  type SignedReport,
  SignedReportSchema,
} from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_REPORT_SAMPLES,
  MAX_REPORT_TEXT_BYTES,
  MAX_SECTIONS_PER_REGION,
  MESH_FRAME_TARGET_BYTES,
  MESH_SHORT_TEXT_BYTES,
} from "../../../shared/limits.js";
import type { RegionReport, SummaryReport } from "../../digest/report.js";
import type { Signature } from "../../digest/trust.js";
import { isSummaryName } from "../../digest/wire-check.js";
import { encodeReport } from "../../digest/wire-report.js";

/** Bytes of a text of a report that is too long even with short texts. */
const SHORTEST_TEXT_BYTES = 128;

/**
 * An encoded SyncResponse with a region's report, signed: within what receivers accept, whatever
 * was written into the region. One that would be too long goes without its long texts;
 * summaries that receivers could not name are left out.
 */
export function encodeReportFrame(
  report: RegionReport,
  sign: (report: Uint8Array) => Signature,
): Uint8Array {
  const encoded = encodeFitting(report);
  return passOnReport(create(SignedReportSchema, { report: encoded, ...sign(encoded) }));
}

/** An encoded SyncResponse with a report as it was signed. */
export function passOnReport(signed: SignedReport): Uint8Array {
  return toBinary(SyncResponseSchema, create(SyncResponseSchema, { reports: [signed] }));
}

function encodeFitting(report: RegionReport): Uint8Array {
  const named = report.summaries
    .filter(({ summary }) => isSummaryName(summary))
    .slice(0, MAX_SECTIONS_PER_REGION);
  const whole = encode(report, named, MAX_REPORT_TEXT_BYTES, MAX_REPORT_SAMPLES);
  if (whole.length <= MESH_FRAME_TARGET_BYTES) return whole;
  const short = encode(report, named, MESH_SHORT_TEXT_BYTES, 0);
  if (short.length <= MESH_FRAME_TARGET_BYTES) return short;
  return encode(report, named, SHORTEST_TEXT_BYTES, 0);
}

function encode(
  report: RegionReport,
  named: readonly SummaryReport[],
  textBytes: number,
  samples: number,
): Uint8Array {
  const summaries = named.map((summary) => ({
    ...summary,
    text: clipText(summary.text, textBytes),
    error: clipText(summary.error, textBytes),
    samples: summary.samples.slice(0, samples).map(({ key, reason }) => ({
      key: clipText(key, textBytes),
      reason: clipText(reason, textBytes),
    })),
  }));
  return toBinary(RegionReportSchema, encodeReport({ ...report, summaries }));
}
