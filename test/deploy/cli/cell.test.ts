import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { cellLine, cellTexts } from "../../../deploy/cli/cell.js";
import { cellJson } from "../../../shared/cell-json.js";
import { type Cell, CellSchema } from "../../../shared/gen/atoll/global/v1/global_pb.js";

function cell(value: NonNullable<MessageInitShape<typeof CellSchema>["value"]>): Cell {
  return create(CellSchema, { value });
}

const text = (value: string) => ({ kind: { case: "text" as const, value } });
const decimal = (written: string) => ({ text: written, value: Number(written) });

test.each<[string, Cell, string, unknown]>([
  ["count", cell({ case: "count", value: 3n }), "3", 3],
  ["sum", cell({ case: "sum", value: decimal("12.500") }), "12.5", 12.5],
  ["whole sum", cell({ case: "sum", value: decimal("100") }), "100", 100],
  ["max of nothing", cell({ case: "max", value: {} }), "-", null],
  [
    "distinct",
    cell({ case: "distinct", value: { estimate: 190n, standardError: 3.09 } }),
    "190 ±3",
    { estimate: 190, standardError: 3.09 },
  ],
  [
    "few distinct",
    cell({ case: "distinct", value: { estimate: 12n, standardError: 0.2 } }),
    "12",
    { estimate: 12, standardError: 0.2 },
  ],
  ["any", cell({ case: "any", value: { kind: { case: "bool", value: false } } }), "false", false],
  [
    "latest",
    cell({ case: "latest", value: { value: text("v2"), order: 812 } }),
    "v2",
    { value: "v2", order: 812 },
  ],
  [
    "set",
    cell({ case: "set", value: { values: [text("a"), text("b")], truncated: true } }),
    "a,b,…",
    { values: ["a", "b"], truncated: true },
  ],
  [
    "top",
    cell({
      case: "top",
      value: {
        entries: [
          { value: text("a"), weight: decimal("9.0"), error: decimal("0.0") },
          { value: text("b"), weight: decimal("7.0"), error: decimal("0.5") },
        ],
        unlisted: decimal("0.2"),
      },
    }),
    "a:9,b:7+0.5",
    {
      entries: [
        { value: "a", weight: 9, error: 0 },
        { value: "b", weight: 7, error: 0.5 },
      ],
      unlisted: 0.2,
    },
  ],
  ["a kind of a later version", cell({ case: undefined }), "-", null],
])("%s", (_, shown, line, json) => {
  expect(cellTexts(shown)).toEqual([line]);
  expect(cellLine(shown)).toBe(line);
  expect(cellJson(shown)).toEqual(json);
});
