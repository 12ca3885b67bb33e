import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBinaryKey } from "../../shared/bytes.js";
import {
  type Cell as CellMessage,
  CellSchema,
  type DecimalSchema,
  type DistinctSchema,
  type QuantilesSchema,
  type TopSchema,
  type ValueSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Cell, MeasureDescriptor } from "../digest/cell.js";
import { readQuantiles } from "../digest/sketch/ddsketch.js";
import { DISTINCT_STANDARD_ERROR, estimateDistinct } from "../digest/sketch/hyperloglog.js";
import { decodeDated } from "../digest/values/chosen.js";
import { readTop } from "../digest/values/top.js";
import { decodeValue, type Value } from "../digest/values/value-code.js";
import { readSet } from "../digest/values/value-set.js";

type CellValue = NonNullable<MessageInitShape<typeof CellSchema>["value"]>;

/** One cell for consumers. `sketches` says to add the sketches behind estimates. */
export function cellMessage(
  cell: Cell,
  { scale, limit }: MeasureDescriptor,
  sketches: boolean,
): CellMessage {
  return create(CellSchema, { value: cellValue(cell, scale, limit, sketches) });
}

function cellValue(cell: Cell, scale: number, limit: number, sketches: boolean): CellValue {
  switch (cell.kind) {
    case "count":
      return { case: "count", value: BigInt(cell.count) };
    case "sum":
      return { case: "sum", value: decimal(cell.scaled, scale) };
    case "min":
    case "max":
      return { case: cell.kind, value: cell.value === undefined ? {} : { value: cell.value } };
    case "distinct":
      return { case: "distinct", value: distinct(cell.packed, sketches) };
    case "quantiles":
      return { case: "quantiles", value: quantiles(cell.packed, sketches) };
    case "any":
      return { case: "any", value: valueMessage(decodeValue(cell.packed)) };
    case "latest": {
      const { value, order } = decodeDated(cell.packed);
      return { case: "latest", value: { value: valueMessage(value), order } };
    }
    case "set": {
      const { codes, truncated } = readSet(cell.packed, "set");
      const values = codes.map((code) => valueMessage(decodeValue(code)));
      return { case: "set", value: { values, truncated } };
    }
    case "top":
      return { case: "top", value: top(cell.packed, scale, limit) };
  }
}

function distinct(packed: string, sketch: boolean): MessageInitShape<typeof DistinctSchema> {
  const estimate = estimateDistinct(packed);
  return {
    estimate: BigInt(Math.round(estimate)),
    standardError: estimate * DISTINCT_STANDARD_ERROR,
    ...(sketch && { sketch: fromBinaryKey(packed) }),
  };
}

function quantiles(packed: string, sketch: boolean): MessageInitShape<typeof QuantilesSchema> {
  const { count, at } = readQuantiles(packed);
  return {
    count: BigInt(count),
    min: at(0),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    ...(sketch && { sketch: fromBinaryKey(packed) }),
  };
}

/** The heaviest of a top that may list more, because it is of several regions. */
function top(packed: string, scale: number, limit: number): MessageInitShape<typeof TopSchema> {
  const { entries, unlisted } = readTop(packed, "top");
  const rest = entries.slice(limit).map(({ weight, error }) => weight + error);
  return {
    entries: entries.slice(0, limit).map(({ code, weight, error }) => ({
      value: valueMessage(decodeValue(code)),
      weight: decimal(BigInt(weight), scale),
      error: decimal(BigInt(error), scale),
    })),
    unlisted: decimal(BigInt(Math.max(unlisted, ...rest)), scale),
  };
}

function valueMessage(value: Value): MessageInitShape<typeof ValueSchema> {
  switch (typeof value) {
    case "string":
      return { kind: { case: "text", value } };
    case "number":
      return { kind: { case: "number", value } };
    default:
      return { kind: { case: "bool", value } };
  }
}

function decimal(scaled: bigint, scale: number): MessageInitShape<typeof DecimalSchema> {
  const text = decimalText(scaled, scale);
  return { text, value: Number(text) };
}

/** An integer in units of 10^-scale, written with exactly `scale` digits after the point. */
export function decimalText(scaled: bigint, scale: number): string {
  if (scale === 0) return scaled.toString();
  const sign = scaled < 0n ? "-" : "";
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
