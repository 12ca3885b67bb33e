import type { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import { type Cell, extremeCell, type MeasureKind, type PackedKind } from "./cell.js";
import { PACKED } from "./packed.js";

const CELL_TAG: Readonly<Record<MeasureKind, number>> = {
  count: 1,
  sum: 2,
  min: 3,
  max: 4,
  distinct: 5,
  quantiles: 6,
  any: 7,
  latest: 8,
  set: 9,
  top: 10,
};

const KINDS = new Map(Object.entries(CELL_TAG).map(([kind, tag]) => [tag, kind as MeasureKind]));

/** Writes a cell in the canonical form that is hashed. */
export function writeCell(writer: ByteWriter, cell: Cell): void {
  writer.byte(CELL_TAG[cell.kind]);
  switch (cell.kind) {
    case "count":
      writer.double(cell.count);
      return;
    case "sum":
      // A sum merged from several regions may be larger than any one of theirs.
      if (BigInt.asIntN(64, cell.scaled) === cell.scaled) {
        writer.int64(cell.scaled);
      } else {
        writer.text(cell.scaled.toString());
      }
      return;
    case "min":
    case "max":
      writer.byte(cell.value === undefined ? 0 : 1);
      if (cell.value !== undefined) writer.double(cell.value);
      return;
    default:
      writer.uint32(cell.packed.length);
      writer.binary(cell.packed);
  }
}

/**
 * Reads a cell of one region's section as `writeCell` wrote it. Throws INVALID_ARGUMENT
 * for anything else.
 */
export function readCell(reader: ByteReader): Cell {
  const kind = KINDS.get(reader.byte());
  switch (kind) {
    case undefined:
      return reader.fail("has a cell of a kind that isn't known here");
    case "count":
      return { kind, count: reader.double() };
    case "sum":
      return { kind, scaled: reader.int64() };
    case "min":
    case "max":
      return extremeCell(kind, reader.byte() === 0 ? undefined : reader.double());
    default:
      return readPacked(reader, kind);
  }
}

function readPacked(reader: ByteReader, kind: PackedKind): Cell {
  const packed = reader.binary(reader.uint32());
  PACKED[kind].check(packed, reader.where);
  return { kind, packed };
}
