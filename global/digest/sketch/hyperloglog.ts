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
const RANKS = 1 << RANK_SHIFT;

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

/**
 * Raises `registers` to at least those of a packed sketch: a join, so what is told twice
 * counts once. Throws INVALID_ARGUMENT unless the bytes are canonical.
 */
export function joinRegisters(registers: Uint8Array, packed: BinaryKey, where: string): void {
  const reader = new PackedReader(packed, where);
  const form = reader.byte();
  if (form === SPARSE) joinSparse(registers, reader);
  else if (form === DENSE) joinDense(registers, reader);
  else reader.fail(`begins with ${form}; a HyperLogLog begins with 0 or 1`);
}

function joinSparse(registers: Uint8Array, reader: PackedReader): void {
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
    if (rank > (registers[index] as number)) registers[index] = rank;
    before = index;
  }
}

function joinDense(registers: Uint8Array, reader: PackedReader): void {
  let filled = 0;
  for (let index = 0; index < REGISTERS; index++) {
    const rank = reader.byte();
    if (rank > MAX_RANK) reader.fail(`has a rank of ${rank}`);
    if (rank > 0) filled++;
    if (rank > (registers[index] as number)) registers[index] = rank;
  }
  if (!reader.atEnd) reader.fail("is longer than its registers");
  if (filled <= MAX_SPARSE) reader.fail(`has only ${filled} registers and doesn't list them`);
}

/** The sketch of all values of some sketches together. */
export function mergeDistinct(parts: readonly BinaryKey[]): BinaryKey {
  const registers = new Uint8Array(REGISTERS);
  for (const part of parts) joinRegisters(registers, part, "distinct");
  return packRegisters(registers);
}

/**
 * The number of different values, by Ertl's estimator ("New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017, algorithm 6): unbiased from 0 on, without
 * tables or switching between formulas.
 */
export function estimateDistinct(packed: BinaryKey): number {
  const registers = new Uint8Array(REGISTERS);
  joinRegisters(registers, packed, "distinct");
  const withRank = new Uint16Array(MAX_RANK + 1);
  for (const rank of registers) withRank[rank] = (withRank[rank] as number) + 1;
  let z = REGISTERS * tau(1 - (withRank[MAX_RANK] as number) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = (z + (withRank[rank] as number)) / 2;
  z += REGISTERS * sigma((withRank[0] as number) / REGISTERS);
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
