import { create } from "@bufbuild/protobuf";
import { fromBinaryKey } from "../../shared/bytes.js";
import {
  type Cell as CellMessage,
  CellSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Cell } from "../digest/cell.js";
import { readQuantiles } from "../digest/sketch/ddsketch.js";
import { DISTINCT_STANDARD_ERROR, estimateDistinct } from "../digest/sketch/hyperloglog.js";

/** One cell for consumers; `scale` is the measure's. `sketches` says to add what is behind estimates. */
export function cellMessage(cell: Cell, scale: number, sketches: boolean): CellMessage {
  switch (cell.kind) {
    case "count":
      return create(CellSchema, { value: { case: "count", value: BigInt(cell.count) } });
    case "sum": {
      const text = decimalText(cell.scaled, scale);
      return create(CellSchema, { value: { case: "sum", value: { text, value: Number(text) } } });
    }
    case "min":
    case "max": {
      const extreme = cell.value === undefined ? {} : { value: cell.value };
      return create(CellSchema, { value: { case: cell.kind, value: extreme } });
    }
    case "distinct": {
      const estimate = estimateDistinct(cell.packed);
      const value = {
        estimate: BigInt(Math.round(estimate)),
        standardError: estimate * DISTINCT_STANDARD_ERROR,
        ...sketchOf(cell.packed, sketches),
      };
      return create(CellSchema, { value: { case: "distinct", value } });
    }
    case "quantiles": {
      const { count, at } = readQuantiles(cell.packed);
      const value = {
        count: BigInt(count),
        min: at(0),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: at(1),
        ...sketchOf(cell.packed, sketches),
      };
      return create(CellSchema, { value: { case: "quantiles", value } });
    }
  }
}

function sketchOf(packed: string, wanted: boolean): { sketch?: Uint8Array } {
  return wanted ? { sketch: fromBinaryKey(packed) } : {};
}

/** An integer in units of 10^-scale, written with exactly `scale` digits after the point. */
export function decimalText(scaled: bigint, scale: number): string {
  if (scale === 0) return scaled.toString();
  const sign = scaled < 0n ? "-" : "";
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
