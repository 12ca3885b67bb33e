import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type RegionReport, ReportBook } from "../../../global/digest/report.js";
import { decodeReport, encodeReport } from "../../../global/digest/wire-report.js";
import { decodeClaims, encodeClaim } from "../../../global/digest/wire-version.js";
import { RegionReportSchema } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { History, incarnation } from "./model.js";

function report(revision: number, counter = 1): RegionReport {
  return {
    region: "us-east",
    incarnation: incarnation(counter),
    revision,
    clusterId: "cdf818194e3a8c32",
    intent: "standby",
    summaries: [
      {
        summary: "machines",
        definition: 7,
        text: "name: machines\n",
        fingerprint: "ab".repeat(32),
        error: "measures.spare: no such field",
        refolding: true,
        matched: 12,
        skipped: 2,
        samples: [{ key: "/machines/a", reason: "not JSON" }],
      },
    ],
  };
}

describe("reports", () => {
  test("come off the wire as they went on", () => {
    const bytes = toBinary(RegionReportSchema, encodeReport(report(9)));
    expect(decodeReport(fromBinary(RegionReportSchema, bytes), "report")).toEqual(report(9));
  });

  test("are refused with the field that is wrong", () => {
    const message = encodeReport(report(9));
    expect(() => decodeReport({ ...message, region: "" }, "report")).toThrow("report.region");
    const first = message.summaries[0] as (typeof message.summaries)[0];
    const wrong = [{ ...first, text: "x".repeat(70_000) }];
    expect(() => decodeReport({ ...message, summaries: wrong }, "report")).toThrow(
      "report.summaries[0].text is longer than 65536 bytes",
    );
  });

  test("the later one stands, whatever the order", () => {
    const book = new ReportBook();
    expect(book.join(report(9))).toBe(true);
    expect(book.join(report(8))).toBe(false);
    expect(book.join(report(9))).toBe(false);
    expect(book.join(report(3, 2))).toBe(true);
    expect(book.join(report(99, 1))).toBe(false);
    expect(book.get("us-east")?.revision).toBe(3);
    book.forget("us-east", 1);
    expect([...book.all()]).toHaveLength(1);
    book.forget("us-east", 2);
    expect([...book.all()]).toHaveLength(0);
  });
});

describe("claims", () => {
  const { id, version, root } = new History("us-east").section(2);
  const claim = { id, version, root };

  test("come off the wire as they went on", () => {
    expect(decodeClaims([encodeClaim(claim)], "claims")).toEqual([claim]);
  });

  test("are refused with the field that is wrong", () => {
    const rootless = { ...encodeClaim(claim), root: new Uint8Array(0) };
    expect(() => decodeClaims([rootless], "claims")).toThrow("claims[0].root has 0 bytes");
  });
});
