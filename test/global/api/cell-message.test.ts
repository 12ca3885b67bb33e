import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { cellMessage } from "../../../global/api/cell-message.js";
import type { Cell } from "../../../global/digest/cell.js";
import { binOf } from "../../../global/digest/sketch/bins.js";
import { packBins } from "../../../global/digest/sketch/ddsketch.js";
import { hashText } from "../../../global/digest/sketch/hash64.js";
import { packSparse, registerOf } from "../../../global/digest/sketch/hyperloglog.js";
import { encodeDated } from "../../../global/digest/values/chosen.js";
import { packTop } from "../../../global/digest/values/top.js";
import { encodeValue } from "../../../global/digest/values/value-code.js";
import { packSet } from "../../../global/digest/values/value-set.js";
import { fromBinaryKey } from "../../../shared/bytes.js";
import { CellSchema } from "../../../shared/gen/atoll/global/v1/global_pb.js";

/** A cell's message as protobuf's JSON. */
function message(cell: Cell, { scale = 0, limit = 0, sketches = false } = {}): unknown {
  const measure = { name: "x", kind: cell.kind, scale, limit };
  return toJson(CellSchema, cellMessage(cell, measure, sketches));
}

const host = packSparse([hashText("host-1", registerOf)]);
/** A decimal as JSON, which leaves a value of 0 out. */
const decimal = (text: string): unknown => ({
  text,
  ...(Number(text) !== 0 && { value: Number(text) }),
});

describe("a cell for consumers", () => {
  test.each<[Cell, unknown]>([
    [{ kind: "count", count: 7 }, { count: "7" }],
    [{ kind: "max", value: -1.5 }, { max: { value: -1.5 } }],
    [{ kind: "min", value: undefined }, { min: {} }],
    [
      { kind: "distinct", packed: host },
      { distinct: { estimate: "1", standardError: expect.closeTo(0.01625, 5) } },
    ],
    [{ kind: "any", packed: encodeValue("é") }, { any: { text: "é" } }],
    [{ kind: "any", packed: encodeValue(-0.5) }, { any: { number: -0.5 } }],
    [{ kind: "any", packed: encodeValue(false) }, { any: { bool: false } }],
    [
      { kind: "latest", packed: encodeDated(812, encodeValue("v2")) },
      { latest: { value: { text: "v2" }, order: 812 } },
    ],
    [
      { kind: "set", packed: packSet({ codes: [1, "a"].map(encodeValue), truncated: true }) },
      { set: { values: [{ number: 1 }, { text: "a" }], truncated: true } },
    ],
  ])("%j", (cell, expected) => {
    expect(message(cell)).toEqual(expected);
  });

  test("has a sum to its last digit", () => {
    expect(message({ kind: "sum", scaled: -12_050n }, { scale: 3 })).toEqual({
      sum: decimal("-12.050"),
    });
  });

  test("has quantiles of a sketch, and the sketch when asked", () => {
    const packed = packBins([1, 10, 100].map(binOf), [50, 49, 1]);
    const of = (value: number): unknown => expect.closeTo(value, -Math.log10(value / 50));
    expect(message({ kind: "quantiles", packed })).toEqual({
      quantiles: {
        count: "100",
        min: of(1),
        p50: of(1),
        p90: of(10),
        p99: of(10),
        p999: of(10),
        max: of(100),
      },
    });
    const asked = cellMessage(
      { kind: "quantiles", packed },
      { name: "x", kind: "quantiles", scale: 0, limit: 0 },
      true,
    );
    expect(asked.value).toMatchObject({ value: { sketch: fromBinaryKey(packed) } });
  });

  test("has the heaviest of a merged top, and says what the others may weigh", () => {
    const packed = packTop({
      entries: [
        { code: encodeValue("a"), weight: 90, error: 0 },
        { code: encodeValue("b"), weight: 70, error: 5 },
        { code: encodeValue("c"), weight: 60, error: 15 },
      ],
      unlisted: 20,
    });
    const entry = (text: string, weight: string, error: string): unknown => ({
      value: { text },
      weight: decimal(weight),
      error: decimal(error),
    });
    expect(message({ kind: "top", packed }, { scale: 1, limit: 2 })).toEqual({
      top: {
        entries: [entry("a", "9.0", "0.0"), entry("b", "7.0", "0.5")],
        unlisted: decimal("7.5"),
      },
    });
    expect(message({ kind: "top", packed }, { scale: 1, limit: 3 })).toMatchObject({
      top: { unlisted: decimal("2.0") },
    });
  });
});
