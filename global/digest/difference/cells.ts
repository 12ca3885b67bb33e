import type { ByteWriter } from "../byte-writer.js";
import { type Cell, extremeCell, MAX_SUM_SCALED, type PackedCell } from "../cell.js";
import { PACKED } from "../packed.js";
import type { PackedReader } from "../packed-reader.js";
import { MAX_ZIGZAG, unzigzag, zigzag } from "../zigzag.js";
import { followBins, writeBins } from "./bins.js";
import { followRegisters, writeRegisters } from "./registers.js";

/** What a cell that has no finer difference is now. */
const SAME = 0;
const ABSENT = 1;
const VALUE = 2;

/**
 * Writes how a cell differs from an earlier one of the same kind; a single 0 where it
 * doesn't. False, with nothing of use written, when they are too far apart.
 */
export function writeDifference(before: Cell, after: Cell, into: ByteWriter): boolean {
  switch (after.kind) {
    case "count":
      return writeStep(after.count - (before as typeof after).count, into);
    case "sum": {
      const step = after.scaled - (before as typeof after).scaled;
      // Beyond the safe integers a number is no step, but still far beyond the bound.
      return writeStep(Number(step), into);
    }
    case "min":
    case "max": {
      const { value } = after;
      if (value === (before as typeof after).value) into.byte(SAME);
      else if (value === undefined) into.byte(ABSENT);
      else {
        into.byte(VALUE);
        into.double(value);
      }
      return true;
    }
    case "distinct":
      writeRegisters((before as PackedCell).packed, after.packed, into);
      return true;
    case "quantiles":
      writeBins((before as PackedCell).packed, after.packed, into);
      return true;
    default: {
      const { packed } = after;
      if (packed === (before as PackedCell).packed) {
        into.byte(SAME);
        return true;
      }
      into.byte(VALUE);
      into.varint(packed.length);
      into.binary(packed);
      return true;
    }
  }
}

function writeStep(step: number, into: ByteWriter): boolean {
  if (Math.abs(step) > MAX_ZIGZAG) return false;
  into.varint(zigzag(step));
  return true;
}

/**
 * The cell after a difference that `writeDifference` wrote. Throws INVALID_ARGUMENT
 * unless it is one that a region could publish.
 */
export function followDifference(before: Cell, from: PackedReader, where: string): Cell {
  switch (before.kind) {
    case "count": {
      const count = before.count + unzigzag(from.varint());
      if (!(count >= 0 && count <= Number.MAX_SAFE_INTEGER)) from.fail(`leads to ${count} records`);
      return count === before.count ? before : { kind: "count", count };
    }
    case "sum": {
      const scaled = before.scaled + BigInt(unzigzag(from.varint()));
      if (scaled > MAX_SUM_SCALED || scaled < -MAX_SUM_SCALED) from.fail(`leads to ${scaled}`);
      return scaled === before.scaled ? before : { kind: "sum", scaled };
    }
    case "min":
    case "max":
      return followExtreme(before, from);
    case "distinct":
      return checked(before, followRegisters(before.packed, from), where);
    case "quantiles":
      return checked(before, followBins(before.packed, from), where);
    default:
      return isSame(from) ? before : checked(before, from.text(from.varint()), where);
  }
}

function followExtreme(before: Extract<Cell, { kind: "min" | "max" }>, from: PackedReader): Cell {
  const tag = from.byte();
  if (tag === SAME) return before;
  if (tag === ABSENT) return extremeCell(before.kind, undefined);
  const value = tag === VALUE ? from.double() : from.fail(`has a difference of kind ${tag}`);
  if (!Number.isFinite(value)) from.fail(`leads to ${value}`);
  return extremeCell(before.kind, value);
}

function isSame(from: PackedReader): boolean {
  const tag = from.byte();
  if (tag !== SAME && tag !== VALUE) from.fail(`has a difference of kind ${tag}`);
  return tag === SAME;
}

function checked(before: PackedCell, packed: string, where: string): Cell {
  if (packed === before.packed) return before;
  PACKED[before.kind].check(packed, where);
  return { kind: before.kind, packed };
}
