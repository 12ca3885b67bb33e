import type { Cell } from "../digest/cell.js";

/** What a number, or a few of them, take in a message. */
const NUMBERS_BYTES = 80;
/** What a message may take for each packed byte: a top's entry of 5 bytes has two decimals. */
const TOP_FACTOR = 16;
const LIST_FACTOR = 3;

/** Bytes that a group's cells take in a message, about, at most; with the sketches behind them, or not. */
export function messageBytes(cells: readonly Cell[], sketches: boolean): number {
  let bytes = 0;
  for (const cell of cells) {
    bytes += NUMBERS_BYTES;
    if (!("packed" in cell)) continue;
    const { kind, packed } = cell;
    if (kind === "top") bytes += packed.length * TOP_FACTOR;
    else if (kind !== "distinct" && kind !== "quantiles") bytes += packed.length * LIST_FACTOR;
    else if (sketches) bytes += packed.length;
  }
  return bytes;
}
