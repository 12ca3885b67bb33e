import { create, toBinary } from "@bufbuild/protobuf";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MESH_FRAME_TARGET_BYTES, MESH_SHORT_TEXT_BYTES } from "../../../shared/limits.js";
import type { RegionReport } from "../../digest/report.js";
import { encodeReport } from "../../digest/wire-report.js";

/** An encoded SyncResponse with a region's report; of a long one without its long texts. */
export function encodeReportFrame(report: RegionReport): Uint8Array {
  const bytes = encodeFrame(report);
  return bytes.length <= MESH_FRAME_TARGET_BYTES ? bytes : encodeFrame(shorten(report));
}

function encodeFrame(report: RegionReport): Uint8Array {
  const message = create(SyncResponseSchema, { reports: [encodeReport(report)] });
  return toBinary(SyncResponseSchema, message);
}

function shorten(report: RegionReport): RegionReport {
  const summaries = report.summaries.map((summary) => ({
    ...summary,
    text: summary.text.slice(0, MESH_SHORT_TEXT_BYTES),
    error: summary.error.slice(0, MESH_SHORT_TEXT_BYTES),
    samples: [],
  }));
  return { ...report, summaries };
}
