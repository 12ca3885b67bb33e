import type { Entry } from "./types.js";

/** A limit that never bites. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

function varintLength(value: number): number {
  let length = 1;
  let rest = value;
  while (rest >= 128) {
    rest = Math.floor(rest / 128);
    length++;
  }
  return length;
}

/**
 * Bytes of an entry as etcd-io/raft's protobuf would encode it, so that size limits
 * cut batches where they do there.
 */
export function entrySize(entry: Entry): number {
  const payload = entry.data.length;
  const head = 4 + varintLength(entry.term) + varintLength(entry.index);
  return payload === 0 ? head : head + 1 + varintLength(payload) + payload;
}

/** Sum of entrySize over a list. */
export function entriesSize(entries: readonly Entry[]): number {
  let sum = 0;
  for (const entry of entries) sum += entrySize(entry);
  return sum;
}

/** Bytes of the payloads of a list of entries: what flow control and memory bounds count. */
export function payloadsSize(entries: readonly Entry[]): number {
  let sum = 0;
  for (const entry of entries) sum += entry.data.length;
  return sum;
}

/**
 * The longest prefix of `entries` of at most `maxBytes` (by entrySize), but at least
 * one entry if there is any.
 */
export function limitSize(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  if (entries.length <= 1 || maxBytes >= NO_LIMIT) return entries;
  let size = 0;
  for (let i = 0; i < entries.length; i++) {
    size += entrySize(entries[i] as Entry);
    if (size > maxBytes && i > 0) return entries.slice(0, i);
  }
  return entries;
}
