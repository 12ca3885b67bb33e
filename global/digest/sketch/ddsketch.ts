import { type BinaryKey, toBinaryKey } from "../../../shared/bytes.js";
import { ByteWriter } from "../byte-writer.js";
import { PackedReader } from "../packed-reader.js";
import { unzigzag, zigzag } from "../zigzag.js";
import { BINS, valueOfBin } from "./bins.js";

const writer = new ByteWriter();

/** Told of each bin that isn't empty, ascending, with its count. */
type Visit = (bin: number, count: number) => void;

/** Canonical bytes of counts by bin, bins ascending, no count 0. */
export function packBins(bins: readonly number[], counts: readonly number[]): BinaryKey {
  writer.reset();
  let before = 0;
  for (let i = 0; i < bins.length; i++) {
    const bin = bins[i] as number;
    writer.varint(i === 0 ? zigzag(bin) : bin - before);
    writer.varint(counts[i] as number);
    before = bin;
  }
  return toBinaryKey(writer.written());
}

/** Walks through a packed sketch. Throws INVALID_ARGUMENT unless the bytes are canonical. */
export function visitBins(packed: BinaryKey, where: string, visit: Visit): void {
  const reader = new PackedReader(packed, where);
  if (reader.atEnd) reader.fail("holds no values");
  let bin = 0;
  let total = 0;
  for (let first = true; !reader.atEnd; first = false) {
    const step = reader.varint();
    if (!first && step === 0) reader.fail("has a bin twice");
    bin = first ? unzigzag(step) : bin + step;
    if (Math.abs(bin) > BINS) reader.fail(`has a bin ${bin}; there are -${BINS} to ${BINS}`);
    const count = reader.varint();
    if (count === 0) reader.fail("has an empty bin");
    total += count;
    if (total > Number.MAX_SAFE_INTEGER) reader.fail("counts more than 2^53 - 1 values");
    visit(bin, count);
  }
}

/** Counts by bin, bins ascending. */
export interface Bins {
  readonly bins: number[];
  readonly counts: number[];
}

/** The sketch of all values of some sketches together: the counts of each bin added. */
export function mergeQuantiles(parts: readonly BinaryKey[]): BinaryKey {
  const { bins, counts } = parts.map(readBins).reduce(addBins);
  return packBins(bins, counts);
}

/** Reads bins that are canonical. */
export function readBins(packed: BinaryKey): Bins {
  const read: Bins = { bins: [], counts: [] };
  visitBins(packed, "quantiles", (bin, count) => put(read, bin, count));
  return read;
}

function addBins(left: Bins, right: Bins): Bins {
  const sum: Bins = { bins: [], counts: [] };
  let at = 0;
  const takeLeft = (): void => put(sum, left.bins[at] as number, left.counts[at++] as number);
  right.bins.forEach((bin, index) => {
    const count = right.counts[index] as number;
    while (at < left.bins.length && (left.bins[at] as number) < bin) takeLeft();
    if (left.bins[at] !== bin) put(sum, bin, count);
    else put(sum, bin, Math.min(count + (left.counts[at++] as number), Number.MAX_SAFE_INTEGER));
  });
  while (at < left.bins.length) takeLeft();
  return sum;
}

function put({ bins, counts }: Bins, bin: number, count: number): void {
  bins.push(bin);
  counts.push(count);
}

/** What a sketch says of its values. */
export interface QuantileReading {
  readonly count: number;
  /** A value within 1 % of the one of rank ⌊q·(count − 1)⌋, counted from 0; q is from 0 to 1. */
  readonly at: (q: number) => number;
}

/** Reads a sketch as DDSketch's algorithm 2 does. */
export function readQuantiles(packed: BinaryKey): QuantileReading {
  const bins: number[] = [];
  const upTo: number[] = [];
  let count = 0;
  visitBins(packed, "quantiles", (bin, own) => {
    count += own;
    bins.push(bin);
    upTo.push(count);
  });
  return {
    count,
    at: (q) => {
      const rank = Math.floor(q * (count - 1));
      return valueOfBin(bins[upTo.findIndex((ranks) => ranks > rank)] as number);
    },
  };
}
