import type { Cell, MeasureDescriptor, PackedCell } from "../digest/cell.js";
import { PACKED } from "../digest/packed.js";

/**
 * One group's cells over several regions: counts and sums added (exactly; a merged sum
 * may be larger than a region's may), the least and the greatest of extremes, packed
 * cells as their kind says. Each of `parts` has one cell for each measure; at least one
 * part.
 */
export function mergeCells(
  measures: readonly MeasureDescriptor[],
  parts: readonly (readonly Cell[])[],
): readonly Cell[] {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return measures.map((measure, index) => mergeMeasure(measure, parts, index));
}

function mergeMeasure(
  { kind, limit }: MeasureDescriptor,
  parts: readonly (readonly Cell[])[],
  index: number,
): Cell {
  switch (kind) {
    case "count": {
      let count = 0;
      for (const part of parts) count += (part[index] as Extract<Cell, { kind: "count" }>).count;
      return { kind, count };
    }
    case "sum": {
      let scaled = 0n;
      for (const part of parts) scaled += (part[index] as Extract<Cell, { kind: "sum" }>).scaled;
      return { kind, scaled };
    }
    case "min":
    case "max": {
      let value: number | undefined;
      for (const part of parts) {
        const own = (part[index] as Extract<Cell, { kind: "min" }>).value;
        if (own === undefined) continue;
        if (value === undefined || (kind === "min" ? own < value : own > value)) value = own;
      }
      return { kind, value };
    }
    default:
      return {
        kind,
        packed: PACKED[kind].merge(
          parts.map((part) => packedOf(part[index])),
          limit,
        ),
      };
  }
}

function packedOf(cell: Cell | undefined): string {
  return (cell as PackedCell).packed;
}
