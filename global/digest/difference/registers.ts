import type { BinaryKey } from "../../../shared/bytes.js";
import type { ByteWriter } from "../byte-writer.js";
import type { PackedReader } from "../packed-reader.js";
import {
  packRegisters,
  pairsOf,
  RANKS,
  REGISTERS,
  registerIndex,
  registerRank,
} from "../sketch/hyperloglog.js";

/**
 * Writes how the registers of a HyperLogLog differ: the number of those that do, then
 * for each, ascending, the varint of 64 * (index less the one before) + its new rank.
 */
export function writeRegisters(before: BinaryKey, after: BinaryKey, into: ByteWriter): void {
  const changed = before === after ? [] : changedRegisters(pairsOf(before), pairsOf(after));
  into.varint(changed.length);
  let last = 0;
  for (const pair of changed) {
    const index = registerIndex(pair);
    into.varint((index - last) * RANKS + registerRank(pair));
    last = index;
  }
}

/** The registers that differ, with their rank in `after`: 0 where it has none. */
function changedRegisters(before: readonly number[], after: readonly number[]): number[] {
  const changed: number[] = [];
  let at = 0;
  for (const pair of after) {
    const index = registerIndex(pair);
    while (at < before.length && registerIndex(before[at] as number) < index) {
      changed.push(registerIndex(before[at++] as number) * RANKS);
    }
    const old = before[at];
    if (old !== undefined && registerIndex(old) === index) at++;
    if (old !== pair) changed.push(pair);
  }
  while (at < before.length) changed.push(registerIndex(before[at++] as number) * RANKS);
  return changed;
}

/** The registers after the differences that `writeRegisters` wrote, in canonical bytes. */
export function followRegisters(before: BinaryKey, from: PackedReader): BinaryKey {
  const changes = from.varint();
  if (changes === 0) return before;
  if (changes > REGISTERS) from.fail(`changes ${changes} of ${REGISTERS} registers`);
  const registers = new Uint8Array(REGISTERS);
  for (const pair of pairsOf(before)) registers[registerIndex(pair)] = registerRank(pair);
  let index = 0;
  for (let i = 0; i < changes; i++) {
    const step = from.varint();
    if (i > 0 && step < RANKS) from.fail("changes a register twice");
    index += Math.floor(step / RANKS);
    if (index >= REGISTERS) from.fail(`has more than ${REGISTERS} registers`);
    registers[index] = step % RANKS;
  }
  return packRegisters(registers);
}
