import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromBinaryKey, toBinaryKey } from "../../shared/bytes.js";
import type { Column, ColumnSchema } from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import { MAX_MEASURES_PER_SUMMARY } from "../../shared/limits.js";
import { type Cell, extremeCell, MAX_SUM_SCALED, type PackedKind } from "./cell.js";
import { PACKED } from "./packed.js";
import { integer, list, malformed } from "./wire-check.js";

/** The columns that hold one number for each group. */
type NumberColumn = "counts" | "sums" | "mins" | "maxes";
type PackedColumn = Exclude<Column["values"]["case"], NumberColumn | undefined>;

const PACKED_COLUMN: Readonly<Record<PackedKind, PackedColumn>> = {
  distinct: "distincts",
  quantiles: "quantiles",
  any: "anys",
  latest: "latests",
  set: "sets",
  top: "tops",
};

const PACKED_KINDS = new Map<string, PackedKind>(
  Object.entries(PACKED_COLUMN).map(([kind, column]) => [column, kind as PackedKind]),
);

type ColumnInit = MessageInitShape<typeof ColumnSchema>;

/** Groups' cells, all of the same kinds, as one column for each measure. */
export function encodeColumns(rows: readonly (readonly Cell[])[]): ColumnInit[] {
  const first = rows[0];
  if (first === undefined) return [];
  return first.map((cell, index): ColumnInit => {
    switch (cell.kind) {
      case "count": {
        const values = rows.map((cells) => BigInt((cells[index] as typeof cell).count));
        return { values: { case: "counts", value: { values } } };
      }
      case "sum": {
        const values = rows.map((cells) => (cells[index] as typeof cell).scaled);
        return { values: { case: "sums", value: { values } } };
      }
      case "min":
      case "max": {
        const values = rows.map((cells) => (cells[index] as typeof cell).value ?? Number.NaN);
        return { values: { case: cell.kind === "min" ? "mins" : "maxes", value: { values } } };
      }
      default: {
        const values = rows.map((cells) => fromBinaryKey((cells[index] as typeof cell).packed));
        return { values: { case: PACKED_COLUMN[cell.kind], value: { values } } };
      }
    }
  });
}

/**
 * The cells of `size` groups from their columns. Throws INVALID_ARGUMENT naming the
 * column; whether the kinds are the schema's is for the holder to see.
 */
export function decodeColumns(columns: readonly Column[], size: number, where: string): Cell[][] {
  list(columns, MAX_MEASURES_PER_SUMMARY, where);
  const rows: Cell[][] = Array.from({ length: size }, () => []);
  columns.forEach((column, index) => {
    const here = `${where}[${index}]`;
    const kind = column.values.case;
    if (kind === undefined) malformed(here, "has no values of a kind known here");
    const { values } = column.values.value;
    if (values.length !== size) {
      malformed(here, `has ${values.length} values for ${size} groups`);
    }
    const packedKind = PACKED_KINDS.get(kind);
    for (let row = 0; row < size; row++) {
      const value = values[row];
      (rows[row] as Cell[]).push(
        packedKind === undefined
          ? decodeNumber(kind as NumberColumn, value as bigint | number, here)
          : decodePacked(packedKind, value as Uint8Array, here),
      );
    }
  });
  return rows;
}

function decodePacked(kind: PackedKind, value: Uint8Array, where: string): Cell {
  const packed = toBinaryKey(value);
  PACKED[kind].check(packed, where);
  return { kind, packed };
}

function decodeNumber(kind: NumberColumn, value: bigint | number, where: string): Cell {
  switch (kind) {
    case "counts":
      return { kind: "count", count: integer(value as bigint, 0, where) };
    case "sums":
      if ((value as bigint) < -MAX_SUM_SCALED) malformed(where, "has a sum of -2^63");
      return { kind: "sum", scaled: value as bigint };
    case "mins":
    case "maxes": {
      const extreme = value as number;
      if (extreme === Number.POSITIVE_INFINITY || extreme === Number.NEGATIVE_INFINITY) {
        malformed(where, "has an infinite value");
      }
      return extremeCell(
        kind === "mins" ? "min" : "max",
        Number.isNaN(extreme) ? undefined : extreme,
      );
    }
  }
}
