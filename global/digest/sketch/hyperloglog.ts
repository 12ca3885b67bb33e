import { type BinaryKey, toBinaryKey } from "../../../shared/bytes.js";
import { ByteWriter } from "../byte-writer.js";
import { PackedReader } from "../packed-reader.js";

/**
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with 2^12 registers over 64-bit
 * hashes: the first 12 bits choose a register, which holds the greatest rank, the
 * position of the first 1 among the other 52 bits (53 when there is none).
 */
export const REGISTERS = 4_096;
/** Relative standard error of an estimate: 1.04 / √4096. */
export const DISTINCT_STANDARD_ERROR = 0.01625;

const RANK_BITS = 52;
const MAX_RANK = RANK_BITS + 1;
const SPARSE = 0;
const DENSE = 1;
/** Registers above 0 up to which they are listed one by one. */
const MAX_SPARSE = 1_024;
/** A register and its rank as one number, in the registers' order. */
const RANK_SHIFT = 6;
export const RANKS = 1 << RANK_SHIFT;

const writer = new ByteWriter();

/** Register and rank of a hash, given as two unsigned 32-bit halves, as one number. */
export function registerOf(high: number, low: number): number {
  const rest = high & 0xfffff;
  // clz32 counts the 12 bits of the register, too.
  const rank = rest !== 0 ? Math.clz32(rest) - 11 : Math.clz32(low) + 21;
  return (high >>> 20) * RANKS + rank;
}

export function registerIndex(pair: number): number {
  return pair >>> RANK_SHIFT;
}

export function registerRank(pair: number): number {
  return pair & (RANKS - 1);
}

/** Canonical bytes of registers given as numbers of `registerOf`, ascending, each register once. */
export function packSparse(pairs: Iterable<number>): BinaryKey {
  writer.reset();
  writer.byte(SPARSE);
  let before = 0;
  for (const pair of pairs) {
    writer.varint(pair - before);
    before = pair;
  }
  return toBinaryKey(writer.written());
}

/** Canonical bytes of all registers, one byte each. */
export function packRegisters(registers: Uint8Array): BinaryKey {
  const pairs: number[] = [];
  for (let index = 0; index < REGISTERS; index++) {
    const rank = registers[index] as number;
    if (rank > 0) pairs.push(index * RANKS + rank);
  }
  if (pairs.length <= MAX_SPARSE) return packSparse(pairs);
  writer.reset();
  writer.byte(DENSE);
  writer.bytes(registers);
  return toBinaryKey(writer.written());
}

/** Told of each register above 0, ascending, as `registerOf` gives it. */
type Visit = (pair: number) => void;

/** Walks through a packed sketch. Throws INVALID_ARGUMENT unless the bytes are canonical. */
export function visitRegisters(packed: BinaryKey, where: string, visit: Visit): void {
  const reader = new PackedReader(packed, where);
  const form = reader.byte();
  if (form === SPARSE) visitSparse(reader, visit);
  else if (form === DENSE) visitDense(reader, visit);
  else reader.fail(`begins with ${form}; a HyperLogLog begins with 0 or 1`);
}

function visitSparse(reader: PackedReader, visit: Visit): void {
  let pair = 0;
  let before = -1;
  let listed = 0;
  while (!reader.atEnd) {
    pair += reader.varint();
    if (pair >= REGISTERS * RANKS) reader.fail(`has more than ${REGISTERS} registers`);
    const index = registerIndex(pair);
    const rank = registerRank(pair);
    if (index <= before) reader.fail("has a register twice");
    if (rank < 1 || rank > MAX_RANK) reader.fail(`has a rank of ${rank}`);
    if (++listed > MAX_SPARSE) reader.fail(`lists more than ${MAX_SPARSE} registers`);
    visit(pair);
    before = index;
  }
}

function visitDense(reader: PackedReader, visit: Visit): void {
  const ranks = reader.text(REGISTERS);
  let filled = 0;
  for (let index = 0; index < REGISTERS; index++) {
    const rank = ranks.charCodeAt(index);
    if (rank > MAX_RANK) reader.fail(`has a rank of ${rank}`);
    if (rank === 0) continue;
    visit(index * RANKS + rank);
    filled++;
  }
  if (!reader.atEnd) reader.fail("is longer than its registers");
  if (filled <= MAX_SPARSE) reader.fail(`has only ${filled} registers and doesn't list them`);
}

/** The sketch of all values of some sketches together: a join, so what is told twice counts once. */
export function mergeDistinct(parts: readonly BinaryKey[]): BinaryKey {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  // A listed register takes a byte at least, so the join of so few bytes lists its own, too.
  if (bytes <= MAX_SPARSE) return packSparse(parts.map(pairsOf).reduce(joinPairs));
  const registers = new Uint8Array(REGISTERS);
  for (const part of parts) {
    visitRegisters(part, "distinct", (pair) => {
      const index = registerIndex(pair);
      const rank = registerRank(pair);
      if (rank > (registers[index] as number)) registers[index] = rank;
    });
  }
  return packRegisters(registers);
}

/** A sketch's registers above 0, ascending, as `registerOf` gives them. */
export function pairsOf(packed: BinaryKey): number[] {
  const pairs: number[] = [];
  visitRegisters(packed, "distinct", (pair) => pairs.push(pair));
  return pairs;
}

/** Of each register the greater rank; all ascending. */
function joinPairs(left: readonly number[], right: readonly number[]): number[] {
  const joined: number[] = [];
  let at = 0;
  for (const pair of right) {
    const index = registerIndex(pair);
    while (at < left.length && registerIndex(left[at] as number) < index) {
      joined.push(left[at++] as number);
    }
    const other = left[at];
    if (other === undefined || registerIndex(other) > index) {
      joined.push(pair);
    } else {
      joined.push(Math.max(pair, other));
      at++;
    }
  }
  while (at < left.length) joined.push(left[at++] as number);
  return joined;
}

/**
 * The number of different values, by Ertl's estimator ("New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017, algorithm 6): unbiased from 0 on, without
 * tables or switching between formulas.
 */
export function estimateDistinct(packed: BinaryKey): number {
  const withRank = new Uint16Array(MAX_RANK + 1);
  let filled = 0;
  visitRegisters(packed, "distinct", (pair) => {
    const rank = registerRank(pair);
    withRank[rank] = (withRank[rank] as number) + 1;
    filled++;
  });
  let z = REGISTERS * tau(1 - (withRank[MAX_RANK] as number) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = (z + (withRank[rank] as number)) / 2;
  z += REGISTERS * sigma(1 - filled / REGISTERS);
  return REGISTERS ** 2 / (2 * Math.LN2 * z);
}

function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let sum = x;
  let power = x;
  for (let factor = 1; ; factor *= 2) {
    power *= power;
    const next = sum + power * factor;
    if (next === sum) return sum;
    sum = next;
  }
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  let root = x;
  for (let factor = 0.5; ; factor /= 2) {
    root = Math.sqrt(root);
    const next = sum - (1 - root) ** 2 * factor;
    if (next === sum) return sum / 3;
    sum = next;
  }
}
