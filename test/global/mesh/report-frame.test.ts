import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { RegionReport, SummaryReport } from "../../../global/digest/report.js";
import { decodeReport } from "../../../global/digest/wire-report.js";
import { encodeReportFrame } from "../../../global/mesh/core/report-frame.js";
import { RegionReportSchema } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MAX_MESH_FRAME_BYTES, MAX_SECTIONS_PER_REGION } from "../../../shared/limits.js";

const SUMMARY: SummaryReport = {
  summary: "machines",
  definition: 7,
  text: "name: machines\n",
  fingerprint: "",
  error: "",
  refolding: false,
  matched: 3,
  skipped: 1,
  samples: [{ key: "/machines/a", reason: "it isn't JSON" }],
};

function throughTheWire(summaries: readonly SummaryReport[]): RegionReport {
  const incarnation = { counter: 1, nonce: "ab".repeat(16), baseRevision: 0, parentNonce: "" };
  const bytes = encodeReportFrame(
    {
      ...{ region: "east", incarnation, revision: 9, summaries },
      ...{ clusterId: "", intent: "active" },
    },
    () => ({ signature: new Uint8Array(0), keyId: "" }),
  );
  expect(bytes.length).toBeLessThan(MAX_MESH_FRAME_BYTES / 2);
  const frame = fromBinary(SyncResponseSchema, bytes);
  const [report] = frame.reports;
  if (report === undefined) throw new Error("there is no report in the frame");
  return decodeReport(fromBinary(RegionReportSchema, report.report), "reports");
}

test("a report of usual size goes whole", () => {
  expect(throughTheWire([SUMMARY]).summaries).toEqual([SUMMARY]);
});

test("texts and keys of any length are cut to what receivers take", () => {
  const long = "é".repeat(200_000);
  const received = throughTheWire([
    { ...SUMMARY, text: long, error: long, samples: [{ key: long, reason: long }] },
  ]).summaries[0];
  expect(received?.text.length).toBeGreaterThan(500);
  expect(received?.text.endsWith("é…")).toBe(true);
  expect(received).toMatchObject({ summary: "machines", matched: 3, skipped: 1 });
});

test("any number of summaries with long texts fits into a frame", () => {
  const text = "x".repeat(5_000);
  const summaries = Array.from({ length: 3_000 }, (_, i) => ({
    ...SUMMARY,
    summary: `s${i}`,
    text,
    error: text,
  }));
  const received = throughTheWire(summaries).summaries;
  expect(received).toHaveLength(MAX_SECTIONS_PER_REGION);
  expect(received[0]?.error.startsWith("xxx")).toBe(true);
});

test("a summary that receivers can't name is left out, and no other", () => {
  const received = throughTheWire([{ ...SUMMARY, summary: "not a name/é" }, SUMMARY]).summaries;
  expect(received.map(({ summary }) => summary)).toEqual(["machines"]);
});
