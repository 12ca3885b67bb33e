import type { BinaryKey } from "../../shared/bytes.js";

/**
 * What a group's cell holds, by the kind of its measure. Values are absolute, and
 * a function of the region's records at one revision.
 */
export type Cell =
  /** Records, a safe integer from 0. */
  | { readonly kind: "count"; readonly count: number }
  /** An integer in units of 10^-scale (the measure's), within ±(2^63 − 1). */
  | { readonly kind: "sum"; readonly scaled: bigint }
  /** A finite double, or undefined when none of the group's records has the value. */
  | { readonly kind: "min"; readonly value: number | undefined }
  | { readonly kind: "max"; readonly value: number | undefined }
  | PackedCell;

/** Kinds whose cells are canonical bytes: equal cells have equal bytes. */
export type PackedKind = "distinct" | "quantiles" | "any" | "latest" | "set" | "top";

/** A cell that its kind's module reads and merges (packed.ts). */
export interface PackedCell {
  readonly kind: PackedKind;
  /** A binary string (shared/bytes.ts). */
  readonly packed: BinaryKey;
}

export type MeasureKind = Cell["kind"];

/** One measure of a summary; a group's cells stand in the order of its measures. */
export interface MeasureDescriptor {
  readonly name: string;
  readonly kind: MeasureKind;
  /** Decimal digits of a sum, or of a top's weights, after the point, 0 to 9; else 0. */
  readonly scale: number;
  /** Values that a set or a top lists at most, from 1; 0 for other kinds. */
  readonly limit: number;
}

/** A group's values in canonical form: a JSON array as JSON.stringify writes it. */
export type GroupKey = string;

/**
 * What happened to groups between two versions; undefined says that a group is gone.
 * It must name every group that was touched in between, those that came back to
 * their old value too: a holder may stand at any version in between.
 */
export type GroupChanges = ReadonlyMap<GroupKey, readonly Cell[] | undefined>;

/** Bytes that are packed in a cell; 0 for kinds that pack nothing. */
export function packedBytes(cell: Cell): number {
  return "packed" in cell ? cell.packed.length : 0;
}

/** Largest absolute value of a sum's cell: what an int64 holds on both sides of 0. */
export const MAX_SUM_SCALED = 2n ** 63n - 1n;

/** The sum's cell of an exact integer; beyond ±(2^63 − 1) it stands at that bound. */
export function sumCell(scaled: bigint): Cell {
  if (scaled > MAX_SUM_SCALED) return { kind: "sum", scaled: MAX_SUM_SCALED };
  return { kind: "sum", scaled: scaled < -MAX_SUM_SCALED ? -MAX_SUM_SCALED : scaled };
}

/** A min's or max's cell; −0 becomes 0, so that equal values have equal bytes. */
export function extremeCell(kind: "min" | "max", value: number | undefined): Cell {
  return { kind, value: value === undefined ? undefined : value + 0 };
}
