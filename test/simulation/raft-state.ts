import type { ConfState, Entry, Snapshot } from "../../regional/raft/index.js";

const HASH_BYTES = 4;

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

/**
 * The simulated state machine: an index and a hash chain over everything applied, so that
 * two states at one index are equal exactly if the same entries were applied.
 */
export class ChainState {
  index: number;
  chain: number;
  conf: ConfState;

  constructor(index: number, chain: number, conf: ConfState) {
    this.index = index;
    this.chain = chain;
    this.conf = conf;
  }

  static from(snapshot: Snapshot): ChainState {
    const view = new DataView(snapshot.data.buffer, snapshot.data.byteOffset, HASH_BYTES);
    return new ChainState(snapshot.metadata.index, view.getUint32(0), snapshot.metadata.confState);
  }

  apply(entry: Entry): void {
    this.index = entry.index;
    this.chain = mix(this.chain, hashEntry(entry));
  }

  toBytes(): Uint8Array {
    const data = new Uint8Array(HASH_BYTES);
    new DataView(data.buffer).setUint32(0, this.chain);
    return data;
  }
}
