import { asBuffer } from "../../shared/bytes.js";
import { KV_TAG, type RowFields, type RowLease } from "./row.js";
import { readInt64, readVarint, skipVarint } from "./wire.js";

/**
 * Decodes a row in exactly the form in which the arena writes it: the fields of
 * mvccpb.KeyValue in order, none twice, none unknown. Undefined for anything else.
 */
export function decodeRow(row: Uint8Array): RowFields | undefined {
  const end = row.length;
  const keyLength = row[0] === KV_TAG.key ? readVarint(row, 1, end) : -1;
  const keyStart = skipVarint(row, 1);
  if (keyLength < 0 || keyLength > end - keyStart) return undefined;
  let at = keyStart + keyLength;
  const number = (tag: number): number => {
    if (row[at] !== tag) return 0;
    const value = readVarint(row, at + 1, end);
    at = skipVarint(row, at + 1);
    return value;
  };
  const createRevision = number(KV_TAG.createRevision);
  const modRevision = number(KV_TAG.modRevision);
  const version = number(KV_TAG.version);
  const valueLength = number(KV_TAG.value);
  if (valueLength < 0 || valueLength > end - at) return undefined;
  at += valueLength;
  let lease: RowLease | undefined;
  if (row[at] === KV_TAG.lease) {
    const varint = row.slice(at + 1);
    const id = readInt64(varint);
    if (id === undefined) return undefined;
    lease = { id, varint };
    at = end;
  }
  // A pair has all three, a deletion its revision alone.
  const isPair = createRevision > 0 && modRevision >= createRevision && version > 0;
  const isDeletion = createRevision === 0 && modRevision > 0 && version === 0;
  const isBare = valueLength === 0 && lease === undefined;
  if (at !== end || !(isPair || (isDeletion && isBare))) return undefined;
  const key = asBuffer(row).toString("latin1", keyStart, keyStart + keyLength);
  return { key, createRevision, modRevision, version, lease };
}
