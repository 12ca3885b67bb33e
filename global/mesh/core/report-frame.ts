import { create, toBinary } from "@bufbuild/protobuf";
import { clipText } from "../../../shared/bytes.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_REPORT_SAMPLES,
  MAX_REPORT_TEXT_BYTES,
  MAX_SECTIONS_PER_REGION,
  MESH_FRAME_TARGET_BYTES,
  MESH_SHORT_TEXT_BYTES,
} from "../../../shared/limits.js";
import type { RegionReport, SummaryReport } from "../../digest/report.js";
import { isSummaryName } from "../../digest/wire-check.js";
import { encodeReport } from "../../digest/wire-report.js";

/** Bytes of a text of a report that is too long even with short texts. */
const SHORTEST_TEXT_BYTES = 128;

/**
 * An encoded SyncResponse with a region's report: within what receivers accept, whatever
 * was written into the region. One that would be too long goes without its long texts;
 * summaries that receivers could not name are left out.
 */
export function encodeReportFrame(report: RegionReport): Uint8Array {
  const named = report.summaries
    .filter(({ summary }) => isSummaryName(summary))
    .slice(0, MAX_SECTIONS_PER_REGION);
  const whole = encodeFrame(report, named, MAX_REPORT_TEXT_BYTES, MAX_REPORT_SAMPLES);
  if (whole.length <= MESH_FRAME_TARGET_BYTES) return whole;
  const short = encodeFrame(report, named, MESH_SHORT_TEXT_BYTES, 0);
  if (short.length <= MESH_FRAME_TARGET_BYTES) return short;
  return encodeFrame(report, named, SHORTEST_TEXT_BYTES, 0);
}

function encodeFrame(
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
  const message = create(SyncResponseSchema, { reports: [encodeReport({ ...report, summaries })] });
  return toBinary(SyncResponseSchema, message);
}
