import type { BinaryKey } from "../../../shared/bytes.js";
import type { ByteWriter } from "../byte-writer.js";
import type { PackedReader } from "../packed-reader.js";
import { BINS } from "../sketch/bins.js";
import { type Bins, packBins, readBins } from "../sketch/ddsketch.js";
import { unzigzag, zigzag } from "../zigzag.js";

/** How a bin's count changes, in a step's lowest digit: one less, one more, or as a varint says. */
const LESS = 0;
const MORE = 1;
const BY = 2;
const WAYS = 3;

/**
 * Writes how the bins of a DDSketch differ: the number of those that do, then for each,
 * ascending, the varint of 3 * its step from the one before + how its count changes. The
 * first steps, zigzag, from the least bin of `before`.
 */
export function writeBins(before: BinaryKey, after: BinaryKey, into: ByteWriter): void {
  if (before === after) {
    into.varint(0);
    return;
  }
  const old = readBins(before);
  const changed = changedBins(old, readBins(after));
  into.varint(changed.bins.length);
  let last = old.bins[0] as number;
  changed.bins.forEach((bin, index) => {
    const by = changed.counts[index] as number;
    const way = by === -1 ? LESS : by === 1 ? MORE : BY;
    into.varint((index === 0 ? zigzag(bin - last) : bin - last) * WAYS + way);
    if (way === BY) into.varint(zigzag(by));
    last = bin;
  });
}

/** The bins whose counts differ, and by how much. */
function changedBins(before: Bins, after: Bins): Bins {
  const changed: Bins = { bins: [], counts: [] };
  const put = (bin: number, by: number): void => {
    if (by === 0) return;
    changed.bins.push(bin);
    changed.counts.push(by);
  };
  let at = 0;
  after.bins.forEach((bin, index) => {
    while (at < before.bins.length && (before.bins[at] as number) < bin) {
      put(before.bins[at] as number, -(before.counts[at++] as number));
    }
    const old = before.bins[at] === bin ? (before.counts[at++] as number) : 0;
    put(bin, (after.counts[index] as number) - old);
  });
  while (at < before.bins.length) {
    put(before.bins[at] as number, -(before.counts[at++] as number));
  }
  return changed;
}

/** The bins after the differences that `writeBins` wrote, in canonical bytes. */
export function followBins(before: BinaryKey, from: PackedReader): BinaryKey {
  const changes = from.varint();
  if (changes === 0) return before;
  const old = readBins(before);
  const next: Bins = { bins: [], counts: [] };
  const put = (bin: number, count: number): void => {
    if (count === 0) return;
    next.bins.push(bin);
    next.counts.push(count);
  };
  let at = 0;
  let bin = old.bins[0] as number;
  for (let i = 0; i < changes; i++) {
    const code = from.varint();
    const step = Math.floor(code / WAYS);
    if (i > 0 && step === 0) from.fail("changes a bin twice");
    bin += i === 0 ? unzigzag(step) : step;
    if (Math.abs(bin) > BINS) from.fail(`has a bin ${bin}; there are -${BINS} to ${BINS}`);
    while (at < old.bins.length && (old.bins[at] as number) < bin) {
      put(old.bins[at] as number, old.counts[at++] as number);
    }
    const count = old.bins[at] === bin ? (old.counts[at++] as number) : 0;
    const way = code % WAYS;
    const changed = count + (way === BY ? unzigzag(from.varint()) : way === MORE ? 1 : -1);
    if (changed < 0) from.fail(`takes more from bin ${bin} than it holds`);
    put(bin, changed);
  }
  while (at < old.bins.length) put(old.bins[at] as number, old.counts[at++] as number);
  return packBins(next.bins, next.counts);
}
