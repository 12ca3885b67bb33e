import type { Entry } from "../../../regional/raft/index.js";

/** Mixes a 32-bit word into a 32-bit hash (FNV-1a's multiplication, a word at a time). */
export function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ (word | 0), 0x0100_0193);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** A 32-bit hash of bytes. */
export function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c_9dc5;
  for (const byte of bytes) hash = mix(hash, byte);
  return mix(hash, bytes.length);
}

/** A 32-bit hash of an entry, without its place in the log's past. */
export function hashEntry(entry: Entry): number {
  return mix(mix(hashBytes(entry.data), entry.term), entry.type);
}
